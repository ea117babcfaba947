//! Whether a generation says the same as the records of its outputs: asked where both come from
//! outside, and where they stand in the database.

use super::{GenerationStatus, SentRequest};
use crate::json::Json;
use crate::record::Recorded;
use crate::time::MillisSinceEpoch;

/// What a generation says that a record says too, and how it ended. What it cost and how long
/// it took stands nowhere else.
#[derive(Debug)]
pub(crate) struct Said {
    /// The request; `None` where another program wrote it in a form of its own.
    pub(crate) sent: Option<SentRequest>,
    pub(crate) model: Option<String>,
    pub(crate) status: GenerationStatus,
    pub(crate) error: Option<String>,
    pub(crate) created_at: MillisSinceEpoch,
}

/// Something that can't be so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// What the generation has wrong, as `generation.request.inputs[1].role`.
    pub(crate) field: String,
    pub(crate) conflict: Conflict,
}

/// What a field contradicts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The generation itself; says the rule.
    Itself(&'static str),
    /// The record of an output.
    Record {
        recorded: Option<String>,
        found: Option<String>,
    },
}

impl Said {
    /// Returns in what it contradicts itself.
    pub(crate) fn contradictions(&self) -> Vec<Contradiction> {
        let names_another = |sent: &SentRequest| sent.model != self.model;
        let other_model = self.sent.as_ref().is_some_and(names_another);
        let model = || itself("request.model", "it was sent to the generation's model");
        let found = [self.wrong_end(), other_model.then(model)];
        found.into_iter().flatten().collect()
    }

    /// Returns in what it contradicts the record of an output, or that it has one; without a
    /// record, in what it contradicts itself.
    pub(crate) fn contradictions_with_output(
        &self,
        record: Option<&Recorded>,
    ) -> Vec<Contradiction> {
        let has_failed = self.status == GenerationStatus::Failed;
        let no_output = || itself("status", "what failed has no output");
        let mut found: Vec<Contradiction> = has_failed.then(no_output).into_iter().collect();
        match record {
            None => found.extend(self.contradictions()),
            Some(record) => {
                found.extend(self.wrong_end());
                self.compare(record, &mut found);
            }
        }
        found
    }

    fn wrong_end(&self) -> Option<Contradiction> {
        match (self.status, &self.error) {
            (GenerationStatus::Succeeded, Some(_)) => {
                Some(itself("error", "what succeeded has no error"))
            }
            (GenerationStatus::Failed, None) => Some(itself("error", "what failed has an error")),
            _ => None,
        }
    }

    fn compare(&self, record: &Recorded, found: &mut Vec<Contradiction>) {
        let mut field = |name: &str, recorded: Option<String>, said: Option<String>| {
            if recorded != said {
                found.push(Contradiction {
                    field: format!("generation.{name}"),
                    conflict: Conflict::Record {
                        recorded,
                        found: said,
                    },
                });
            }
        };
        let Some(sent) = &self.sent else {
            // Who names no model, and sent what nobody here can read, says nothing.
            if self.model.is_some() {
                field("model", record.model.clone(), self.model.clone());
            }
            return;
        };
        field("model", record.model.clone(), self.model.clone());
        let times = [record.time, self.created_at].map(|time| Some(time.to_string()));
        let [recorded, said] = times;
        field("createdAt", recorded, said);
        let texts = [
            ("request.prompt", &record.prompt, &sent.prompt),
            (
                "request.systemPrompt",
                &record.system_prompt,
                &sent.system_prompt,
            ),
            ("request.model", &record.model, &sent.model),
        ];
        for (name, recorded, said) in texts {
            field(name, recorded.clone(), said.clone());
        }
        let settings = [&record.settings, &sent.settings];
        let [recorded, said] = settings.map(|it| it.as_ref().and_then(canonical));
        field("request.settings", recorded, said);
        let counts = [record.inputs.len(), sent.inputs.len()];
        if counts[0] != counts[1] {
            let [recorded, said] = counts.map(|count| Some(count.to_string()));
            field("request.inputs.length", recorded, said);
            return;
        }
        // The ids are those of the studio that it was sent from.
        for (place, (recorded, said)) in record.inputs.iter().zip(&sent.inputs).enumerate() {
            let name = |name: &str| format!("request.inputs[{place}].{name}");
            let roles = [recorded.role, said.role].map(|role| Some(role.to_string()));
            let hashes = [recorded.sha256, said.sha256].map(|hash| Some(hash.to_string()));
            let [recorded, said] = roles;
            field(&name("role"), recorded, said);
            let [recorded, said] = hashes;
            field(&name("sha256"), recorded, said);
        }
    }
}

fn itself(field: &str, rule: &'static str) -> Contradiction {
    Contradiction {
        field: format!("generation.{field}"),
        conflict: Conflict::Itself(rule),
    }
}

/// Settings are the same where they are written the same in canonical form.
fn canonical(settings: &Json) -> Option<String> {
    serde_json_canonicalizer::to_string(settings).ok()
}
