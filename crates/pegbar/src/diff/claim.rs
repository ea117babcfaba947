//! What files and other programs say of two assets: compared apart from what is recorded.

use serde::Serialize;

use super::setting::{self, SettingChange};
use crate::claim::Claim;

/// A claim that two assets do not have alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimChange {
    /// The program that says so.
    pub tool: String,
    /// The claim's place among those of the first; `None` where only the second has it.
    pub before: Option<u32>,
    /// The claim's place among those of the second; `None` where only the first has it.
    pub after: Option<u32>,
    /// What of it that is understood differs.
    pub fields: Vec<SettingChange>,
    /// Whether the text as it was found differs.
    pub is_raw_different: bool,
}

/// Compares the claims of two assets, each with the one of the same tool in the same order.
pub(super) fn compare(before: &[Claim], after: &[Claim]) -> Vec<ClaimChange> {
    let mut is_taken = vec![false; after.len()];
    let mut changes = Vec::new();
    for old in before {
        let mut candidates = after.iter().enumerate();
        let new = candidates.find(|(n, new)| !is_taken[*n] && new.tool == old.tool);
        if let Some((n, _)) = new {
            is_taken[n] = true;
        }
        changes.extend(change(Some(old), new.map(|(_, new)| new)));
    }
    let added = after.iter().zip(&is_taken).filter(|(_, taken)| !**taken);
    changes.extend(added.filter_map(|(new, _)| change(None, Some(new))));
    changes
}

fn change(before: Option<&Claim>, after: Option<&Claim>) -> Option<ClaimChange> {
    fn raw(claim: Option<&Claim>) -> Option<&str> {
        claim.map(|claim| claim.raw.as_str())
    }
    let position = |claim: Option<&Claim>| claim.map(|claim| claim.position);
    let change = ClaimChange {
        tool: before.or(after)?.tool.clone(),
        before: position(before),
        after: position(after),
        fields: setting::compare(
            before.map(|claim| &claim.fields),
            after.map(|claim| &claim.fields),
        ),
        is_raw_different: raw(before) != raw(after),
    };
    let is_there_twice = before.is_some() && after.is_some();
    let is_same = is_there_twice && change.fields.is_empty() && !change.is_raw_different;
    (!is_same).then_some(change)
}
