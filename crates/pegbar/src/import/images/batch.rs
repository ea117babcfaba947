//! Cutting a plan into what one transaction takes in.

use super::{FolderPlan, PlannedImage};

/// How many images are taken in by one transaction, and how many bytes.
const MAX_IMAGES: usize = 1000;
const MAX_BYTES: u64 = 128 << 20;

/// What some images of a plan are: the places of their character and animation in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    References,
    Variations(usize),
    Frames(usize, usize),
    Takes(usize, usize),
}

/// Images of one owner that are taken in together.
pub(super) struct Unit<'p> {
    pub(super) owner: Owner,
    /// All images of the owner, and which of them these are.
    all: &'p [PlannedImage],
    pub(super) first: usize,
    pub(super) count: usize,
}

impl<'p> Unit<'p> {
    pub(super) fn images(&self) -> &'p [PlannedImage] {
        &self.all[self.first..self.first + self.count]
    }
}

/// Cuts a plan into batches.
pub(super) fn batches(plan: &FolderPlan) -> Vec<Vec<Unit<'_>>> {
    let mut owners: Vec<(Owner, &[PlannedImage])> = vec![(Owner::References, &plan.references)];
    for (c, character) in plan.characters.iter().enumerate() {
        owners.push((Owner::Variations(c), &character.variations));
        for (a, animation) in character.animations.iter().enumerate() {
            owners.push((Owner::Frames(c, a), &animation.frames));
            owners.push((Owner::Takes(c, a), &animation.takes));
        }
    }
    let mut batches = vec![Vec::new()];
    let (mut images, mut bytes) = (0, 0);
    for (owner, all) in owners {
        let mut first = 0;
        while first < all.len() {
            let mut count = 0;
            for image in &all[first..] {
                count += 1;
                images += 1;
                bytes += image.file_size;
                if images >= MAX_IMAGES || bytes >= MAX_BYTES {
                    break;
                }
            }
            let unit = Unit {
                owner,
                all,
                first,
                count,
            };
            first += count;
            // There is always a last one.
            if let Some(batch) = batches.last_mut() {
                batch.push(unit);
            }
            if images >= MAX_IMAGES || bytes >= MAX_BYTES {
                batches.push(Vec::new());
                (images, bytes) = (0, 0);
            }
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}
