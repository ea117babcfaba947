//! The graph of nodes: from what samples through its links to what it was given.
//!
//! Nobody says that the graph has no cycle, and nobody that it is small: each node is visited
//! once per question, and only so many links are followed.

use std::cell::Cell;
use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value};

use super::super::fields::{self, Fields};

/// How many links are followed in all.
const MAX_LINKS: usize = 100_000;

/// How many texts make a prompt.
const MAX_TEXTS: usize = 32;

/// The inputs through which a sampler that is put together of several nodes gets its own.
const PARTS: &[&str] = &["guider", "noise", "sampler", "sigmas", "scheduler"];

/// The inputs of nodes that hold text, in any language model's encoder.
const TEXTS: &[&str] = &[
    "text",
    "text_g",
    "text_l",
    "clip_l",
    "t5xxl",
    "prompt",
    "positive_prompt",
    "value",
    "string",
    "populated_text",
    "wildcard_text",
];

/// The inputs of nodes that name what they load.
const MODELS: &[&str] = &["ckpt_name", "unet_name", "model_name", "gguf_name"];

pub(in crate::metadata) struct Graph<'a> {
    nodes: &'a Map<String, Value>,
    /// How many links may still be followed.
    links: Cell<usize>,
}

#[derive(Clone, Copy)]
struct Node<'a> {
    id: &'a str,
    class: &'a str,
    inputs: &'a Map<String, Value>,
}

impl<'a> Graph<'a> {
    pub(in crate::metadata) fn new(nodes: &'a Map<String, Value>) -> Self {
        Self {
            nodes,
            links: Cell::new(MAX_LINKS),
        }
    }

    /// Reads what the last sampler was given.
    pub(in crate::metadata) fn read(&self, fields: &mut Fields) {
        let Some(sampler) = self.sampler() else {
            fields.problem("no node in its graph samples");
            return;
        };
        let literal = |names: &[&str]| self.literal(sampler, names);
        fields.set(fields::SEED, literal(&["seed", "noise_seed"]));
        fields.set(fields::STEPS, literal(&["steps"]));
        fields.set(fields::SAMPLER, literal(&["sampler_name"]));
        fields.set(fields::CFG_SCALE, literal(&["cfg"]));
        for (input, name) in [
            ("positive", fields::PROMPT),
            ("negative", fields::NEGATIVE_PROMPT),
        ] {
            let from = self.input(sampler, input);
            fields.set(name, from.map(|node| self.texts(node).join("\n")));
        }
        // Some models are guided by one text alone.
        if let Some(node) = self.input(sampler, "conditioning") {
            fields.set(fields::PROMPT, self.texts(node).join("\n"));
        }
        let mut loras = Vec::new();
        if let Some(node) = self.input(sampler, "model") {
            self.visit([node], |node| {
                let name = MODELS
                    .iter()
                    .find_map(|name| node.inputs.get(*name)?.as_str());
                loras.extend(node.inputs.get("lora_name").filter(|name| name.is_string()));
                name.is_some_and(|name| {
                    fields.set(fields::MODEL, name);
                    true
                })
            });
        }
        let latent = ["latent_image", "latent", "samples"];
        if let Some(node) = latent.iter().find_map(|name| self.input(sampler, name)) {
            self.visit([node], |node| {
                let size = |name| self.literal(node, &[name]).filter(Value::is_number);
                let (Some(width), Some(height)) = (size("width"), size("height")) else {
                    return false;
                };
                fields.set(fields::WIDTH, width);
                fields.set(fields::HEIGHT, height);
                true
            });
        }
        for (name, input) in [("scheduler", "scheduler"), ("denoise", "denoise")] {
            if let Some(value) = literal(&[input]) {
                fields.add_other(name, value);
            }
        }
        if !loras.is_empty() {
            fields.add_other("loras", loras.into_iter().cloned().collect::<Vec<Value>>());
        }
    }

    fn node(&self, id: &str) -> Option<Node<'a>> {
        let (id, node) = self.nodes.get_key_value(id)?;
        Some(Node {
            id,
            class: node.get("class_type")?.as_str()?,
            inputs: node.get("inputs")?.as_object()?,
        })
    }

    /// Follows a link: the id of a node, and which of its outputs.
    fn linked(&self, value: &Value) -> Option<Node<'a>> {
        let [id, output] = value.as_array()?.as_slice() else {
            return None;
        };
        output.as_u64()?;
        self.links.set(self.links.get().checked_sub(1)?);
        match id {
            Value::String(id) => self.node(id),
            Value::Number(id) => self.node(&id.to_string()),
            _ => None,
        }
    }

    /// Returns the node that an input is linked to; that of one of the sampler's parts, where
    /// it has no such input itself.
    fn input(&self, node: Node<'a>, name: &str) -> Option<Node<'a>> {
        let own = |node: Node<'a>| self.linked(node.inputs.get(name)?);
        own(node).or_else(|| self.parts(node).find_map(own))
    }

    fn parts(&self, node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
        PARTS
            .iter()
            .filter_map(move |part| self.linked(node.inputs.get(*part)?))
    }

    /// Returns what an input is: as it stands there, or in the node that it is linked to.
    fn literal(&self, node: Node<'a>, names: &[&str]) -> Option<Value> {
        let of = |node: Node<'a>| {
            names.iter().find_map(|name| match node.inputs.get(*name)? {
                link @ Value::Array(_) => {
                    let node = self.linked(link)?;
                    let names = names.iter().chain(&["value", "int", "float", "number"]);
                    let mut values = names.filter_map(|name| node.inputs.get(*name));
                    values.find(|value| !value.is_array()).cloned()
                }
                Value::Null => None,
                value => Some(value.clone()),
            })
        };
        of(node).or_else(|| self.parts(node).find_map(of))
    }

    /// Visits what nodes were made from, the nearest first, until `stop` says so.
    fn visit(
        &self,
        from: impl IntoIterator<Item = Node<'a>>,
        mut stop: impl FnMut(Node<'a>) -> bool,
    ) -> Option<Node<'a>> {
        let mut next: VecDeque<Node<'a>> = from.into_iter().collect();
        let mut seen: HashSet<&str> = next.iter().map(|node| node.id).collect();
        while let Some(node) = next.pop_front() {
            if stop(node) {
                return Some(node);
            }
            for linked in node.inputs.values().filter_map(|value| self.linked(value)) {
                if seen.insert(linked.id) {
                    next.push_back(linked);
                }
            }
        }
        None
    }

    /// Returns the sampler that is nearest to a node that keeps images: where an image was
    /// made in several passes, the last.
    fn sampler(&self) -> Option<Node<'a>> {
        let nodes = || self.nodes.keys().filter_map(|id| self.node(id));
        // What is saved counts more than what is only shown.
        let ends = ["Save", "Preview"];
        let mut ends = ends
            .iter()
            .map(|end| nodes().filter(|node| node.class.contains(*end)));
        let found = ends.find_map(|ends| self.visit(ends, is_sampler));
        found.or_else(|| nodes().find(|node| is_sampler(*node)))
    }

    /// Returns the texts that a conditioning was made from.
    fn texts(&self, from: Node<'a>) -> Vec<&'a str> {
        let mut texts = Vec::new();
        let mut seen = HashSet::from([from.id]);
        let mut next = vec![from];
        while let Some(node) = next.pop() {
            let own: Vec<&str> = TEXTS
                .iter()
                .filter_map(|name| node.inputs.get(*name)?.as_str())
                .collect();
            if !own.is_empty() {
                for text in own {
                    if !texts.contains(&text) && !text.is_empty() && texts.len() < MAX_TEXTS {
                        texts.push(text);
                    }
                }
                continue;
            }
            let links = node.inputs.iter().filter(|(name, _)| !is_model(name));
            let linked: Vec<_> = links.filter_map(|(_, value)| self.linked(value)).collect();
            // The first input comes out of the stack first.
            for linked in linked.into_iter().rev() {
                if seen.insert(linked.id) {
                    next.push(linked);
                }
            }
        }
        texts
    }
}

/// Says whether an input leads away from the texts.
fn is_model(input: &str) -> bool {
    let names = [
        "clip",
        "model",
        "vae",
        "image",
        "pixels",
        "control_net",
        "latent",
    ];
    names.contains(&input)
}

fn is_sampler(node: Node<'_>) -> bool {
    let has = |name| node.inputs.contains_key(name);
    has("steps") && has("positive") && has("negative")
        || has("guider") && has("sigmas")
        || node.class.contains("KSampler") && has("positive")
        || node.class.contains("SamplerCustom") && has("positive")
}
