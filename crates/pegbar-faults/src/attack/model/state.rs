//! The model: what should be there, in memory, and which changes are possible.

use std::collections::BTreeMap;

use pegbar::{Sha256, Studio};

use super::step::dogs;
use crate::Result;
use crate::random::Random;
use crate::site::png;

/// The characters of the project, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    characters: BTreeMap<String, Character>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Character {
    variations: Vec<Sha256>,
    animations: BTreeMap<String, Animation>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Animation {
    version: i64,
    frames: Vec<(Sha256, Option<String>)>,
    /// Everything that was ever made for it.
    takes: Vec<Sha256>,
}

fn hash(number: u64) -> Sha256 {
    Sha256::of(&png(number))
}

fn keys<T>(map: &BTreeMap<String, T>) -> Vec<String> {
    map.keys().cloned().collect()
}

impl Model {
    /// Invents a change that is possible now, as words.
    pub(super) fn invent(&self, random: &mut Random, number: u64) -> String {
        let image = 1_000_000 + 10 * number;
        let create = format!("character c{number} {image}");
        let names = keys(&self.characters);
        if names.is_empty() {
            return create;
        }
        let name = &names[random.below(names.len())];
        let character = &self.characters[name];
        let animations = keys(&character.animations);
        if animations.is_empty() {
            return match random.below(6) {
                0 => create,
                1 => format!("variation {name} {image}"),
                _ => format!("animation {name} a{number} {image}"),
            };
        }
        let animation = &animations[random.below(animations.len())];
        let found = &character.animations[animation];
        let (place, other) = (
            random.below(found.frames.len()),
            random.below(found.frames.len()),
        );
        let on = format!("{name} {animation}");
        let words = match random.below(14) {
            0 => create,
            1 => format!("variation {name} {image}"),
            2 => format!("animation {name} a{number} {image}"),
            3 => format!("rename {name} r{number}"),
            4 => format!("delete-character {name}"),
            5 => format!("delete-animation {on}"),
            6 => format!("sync {name}"),
            7 | 8 => format!("insert {on} {place} {image}"),
            _ if found.frames.is_empty() => format!("insert {on} 0 {image}"),
            9 => format!("move {on} {place} {other}"),
            10 => format!("replace {on} {place} {image}"),
            11 => format!("remove {on} {place}"),
            12 => format!("prompt {on} {place} {image}"),
            _ => format!("order {on} {place}"),
        };
        // A take that was shown before may be shown again.
        let again = random.below(found.takes.len());
        match found.takes.get(again) {
            Some(take) if random.one_in(8) && !found.frames.is_empty() => {
                format!("show {on} {place} {take}")
            }
            _ => words,
        }
    }

    /// Does a change.
    pub(super) fn apply(&mut self, step: &str) {
        let words: Vec<&str> = step.split(' ').collect();
        let number = |place: usize| words[place].parse::<u64>().unwrap_or(0);
        let index = |place: usize| words[place].parse::<usize>().unwrap_or(0);
        let name = words[1].to_owned();
        match words[0] {
            "character" => {
                let character = Character {
                    variations: vec![hash(number(2))],
                    ..Character::default()
                };
                self.characters.insert(name, character);
                return;
            }
            "rename" => {
                if let Some(character) = self.characters.remove(&name) {
                    self.characters.insert(words[2].to_owned(), character);
                }
                return;
            }
            "delete-character" => return drop(self.characters.remove(&name)),
            "sync" => return,
            _ => {}
        }
        let Some(character) = self.characters.get_mut(&name) else {
            return;
        };
        match words[0] {
            "variation" => {
                character.variations.push(hash(number(2)));
                character.variations.sort();
                return;
            }
            "animation" => {
                let mut animation = Animation {
                    version: 1,
                    ..Animation::default()
                };
                for image in number(3)..number(3) + 3 {
                    animation.frames.push((hash(image), None));
                    animation.takes.push(hash(image));
                }
                animation.takes.sort();
                character.animations.insert(words[2].to_owned(), animation);
                return;
            }
            "delete-animation" => return drop(character.animations.remove(words[2])),
            _ => {}
        }
        let Some(animation) = character.animations.get_mut(words[2]) else {
            return;
        };
        animation.version += 1;
        let frames = &mut animation.frames;
        match words[0] {
            "insert" => {
                for image in (number(4)..number(4) + 2).rev() {
                    frames.insert(index(3), (hash(image), None));
                    animation.takes.push(hash(image));
                }
            }
            "move" => {
                let frame = frames.remove(index(3));
                frames.insert(index(4), frame);
            }
            "replace" => {
                frames[index(3)].0 = hash(number(4));
                animation.takes.push(hash(number(4)));
            }
            "show" => frames[index(3)].0 = words[4].parse().unwrap_or(hash(0)),
            "remove" => drop(frames.remove(index(3))),
            "prompt" => frames[index(3)].1 = Some(words[4].to_owned()),
            _ => frames.rotate_left(index(3)),
        }
        animation.takes.sort();
    }

    /// Reads what is there.
    pub(super) async fn of(studio: &Studio) -> Result<Self> {
        let tree = dogs(studio).await?;
        let mut model = Self::default();
        for tree in tree.characters {
            let hashes = tree.variations.iter().filter_map(|asset| asset.sha256);
            let mut variations: Vec<_> = hashes.collect();
            variations.sort();
            let mut animations = BTreeMap::new();
            for tree in tree.animations {
                let mut takes: BTreeMap<_, _> = BTreeMap::new();
                for asset in tree
                    .takes
                    .iter()
                    .chain(tree.frames.iter().map(|frame| &frame.asset))
                {
                    takes.insert(asset.id, asset.sha256.ok_or("no hash")?);
                }
                let mut takes: Vec<_> = takes.into_values().collect();
                takes.sort();
                let frame = |frame: pegbar::FrameTree| {
                    Some((frame.asset.sha256?, frame.frame.frame_prompt))
                };
                let animation = Animation {
                    version: tree.animation.version,
                    frames: tree.frames.into_iter().filter_map(frame).collect(),
                    takes,
                };
                animations.insert(tree.animation.name, animation);
            }
            let character = Character {
                variations,
                animations,
            };
            model.characters.insert(tree.character.name, character);
        }
        Ok(model)
    }
}
