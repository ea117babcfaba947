//! What the database can't decide the same on both engines: texts and settings.

use serde_json::Value;

use super::excerpt::{MatchedField, TextMatch};
use super::filter::{SearchFilter, SettingFilter};
use super::text::{fold_into, folded};
use crate::asset::Asset;
use crate::claim::Claim;
use crate::db::value::Row;
use crate::error::{Error, Result};
use crate::id::{AssetId, ProjectId};
use crate::json::{Json, is_same};
use crate::text::check_text;

/// What is asked of texts and settings.
#[derive(Debug)]
pub(super) struct Conditions {
    /// The words and phrases, folded.
    words: Vec<String>,
    in_claims: bool,
    settings: Vec<SettingFilter>,
}

/// An asset that may be meant.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: AssetId,
    pub(super) project_id: ProjectId,
    /// Whether its settings are those asked for, and what its prompts lack may be elsewhere.
    pub(super) is_possible: bool,
    /// Which words its prompts do not have, a bit for each.
    pub(super) lacks: u64,
}

impl Conditions {
    pub(super) fn new(filter: &SearchFilter) -> Result<Self> {
        if filter.text.len() > SearchFilter::MAX_TEXTS {
            let reason = format!(
                "at most {} words and phrases, got {}",
                SearchFilter::MAX_TEXTS,
                filter.text.len()
            );
            return Err(Error::invalid("text", reason));
        }
        let mut words = Vec::with_capacity(filter.text.len());
        for text in &filter.text {
            check_text("text", text)?;
            let word = folded(text.trim());
            if word.is_empty() {
                return Err(Error::invalid(
                    "text",
                    "there is nothing in it to search for",
                ));
            }
            words.push(word);
        }
        Ok(Self {
            words,
            in_claims: filter.in_claims,
            settings: filter.settings.clone(),
        })
    }

    /// Returns whether there are none.
    pub(super) fn are_empty(&self) -> bool {
        self.words.is_empty() && self.settings.is_empty()
    }

    pub(super) fn look_into_claims(&self) -> bool {
        self.in_claims && !self.words.is_empty()
    }

    /// Returns the columns that [`Conditions::read`] reads.
    pub(super) fn columns(&self) -> &'static str {
        match (self.words.is_empty(), self.settings.is_empty()) {
            (true, true) => "a.id, a.project_id",
            (false, true) => "a.id, a.project_id, a.generation_prompt, a.generation_system_prompt",
            (true, false) => "a.id, a.project_id, a.generation_settings",
            (false, false) => {
                "a.id, a.project_id, a.generation_prompt, a.generation_system_prompt, \
                 a.generation_settings"
            }
        }
    }

    /// Reads a candidate and says how far it meets the conditions.
    pub(super) fn read(&self, row: &Row<'_>) -> Result<Candidate> {
        let mut candidate = Candidate {
            id: row.at(0, "asset.id")?,
            project_id: row.at(1, "asset.project_id")?,
            is_possible: true,
            lacks: 0,
        };
        let mut next = 2;
        if !self.words.is_empty() {
            let prompt: Option<String> = row.at(2, "asset.generation_prompt")?;
            let system_prompt: Option<String> = row.at(3, "asset.generation_system_prompt")?;
            let texts = [prompt, system_prompt];
            candidate.lacks = self.lacked(texts.iter().flatten().map(String::as_str));
            candidate.is_possible = candidate.lacks == 0 || self.in_claims;
            next = 4;
        }
        if !self.settings.is_empty() && candidate.is_possible {
            let settings: Option<Json> = row.at(next, "asset.generation_settings")?;
            candidate.is_possible = settings.is_some_and(|settings| self.are_met_by(&settings));
        }
        Ok(candidate)
    }

    /// Returns which words none of the texts has, a bit for each.
    fn lacked<'a>(&self, texts: impl Iterator<Item = &'a str>) -> u64 {
        let mut lacks = (1_u64 << self.words.len()) - 1;
        let mut buffer = String::new();
        for text in texts {
            if lacks == 0 {
                break;
            }
            fold_into(&mut buffer, text);
            for (bit, word) in self.words.iter().enumerate() {
                if lacks >> bit & 1 > 0 && buffer.contains(word.as_str()) {
                    lacks &= !(1 << bit);
                }
            }
        }
        lacks
    }

    /// Returns which words a claim does not have, a bit for each.
    pub(super) fn lacked_by(&self, claim: &Claim) -> u64 {
        let mut texts = vec![claim.raw.as_str()];
        texts_in(claim.fields.as_value(), &mut texts);
        self.lacked(texts.into_iter())
    }

    /// Returns whether settings have every value that is asked for.
    fn are_met_by(&self, settings: &Json) -> bool {
        self.settings.iter().all(|filter| {
            let mut value = Some(settings.as_value());
            for step in &filter.path {
                value = match value {
                    Some(Value::Object(members)) => members.get(step),
                    Some(Value::Array(elements)) => step
                        .parse()
                        .ok()
                        .and_then(|place: usize| elements.get(place)),
                    _ => None,
                };
            }
            value.is_some_and(|value| is_same(value, filter.value.as_value()))
        })
    }

    /// Says where the words stand in an asset's prompts.
    pub(super) fn matches_in(&self, asset: &Asset) -> Vec<TextMatch> {
        let fields = [
            (MatchedField::Prompt, &asset.generation_prompt),
            (MatchedField::SystemPrompt, &asset.generation_system_prompt),
        ];
        let matches = fields
            .into_iter()
            .filter_map(|(field, text)| TextMatch::of(field, text.as_deref()?, &self.words));
        matches.collect()
    }

    /// Says where the words stand in a claim.
    pub(super) fn match_in_claim(&self, claim: &Claim) -> Option<TextMatch> {
        let mut texts = Vec::new();
        texts_in(claim.fields.as_value(), &mut texts);
        texts.push(&claim.raw);
        let mut texts = texts.into_iter();
        let found = texts.find_map(|text| TextMatch::of(MatchedField::Claim, text, &self.words))?;
        Some(TextMatch {
            tool: Some(claim.tool.clone()),
            position: Some(claim.position),
            ..found
        })
    }
}

/// Adds every text in a value; what was kept nests 64 deep at most.
fn texts_in<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(elements) => elements.iter().for_each(|value| texts_in(value, texts)),
        Value::Object(members) => members.values().for_each(|value| texts_in(value, texts)),
        _ => {}
    }
}
