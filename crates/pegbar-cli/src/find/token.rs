//! Finding the tokens of servers.

use pegbar::{Studio, Token};

use super::choose::{Choice, choose, not_found};
use crate::error::CommandError;

/// Finds a token that is not revoked: by its name, its id, or the end of that.
pub(crate) async fn token(studio: &Studio, wanted: &str) -> Result<Token, CommandError> {
    let mut tokens = studio.list_tokens().await?;
    tokens.retain(|token| token.revoked_at.is_none());
    let choices: Vec<_> = tokens
        .iter()
        .map(|token| Choice {
            id: token.id,
            names: vec![token.name.clone()],
        })
        .collect();
    let id = choose(wanted, &choices)?;
    let found = tokens.into_iter().find(|token| token.id == id);
    found.ok_or_else(|| not_found(wanted, &choices))
}
