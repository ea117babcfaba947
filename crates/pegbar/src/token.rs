//! Tokens: by which a server knows who may read and who may write. Only hashes are kept.

use std::fmt;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::db::entity::{Entity as _, entity};
use crate::db::sql::statements;
use crate::db::value::{Value, word_enum};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::TokenId;
use crate::studio::Studio;
use crate::text::check_name;
use crate::time::MillisSinceEpoch;

/// What every secret begins with, so that people and scanners of leaked secrets know it.
const PREFIX: &str = "pegbar_";

/// The bytes of a secret that are random.
const RANDOM_BYTES: usize = 32;

/// How exactly it is known when a token was last used, in milliseconds: a row is written no
/// more often.
const USE_NOTED_EVERY_MS: i64 = 60_000;

word_enum! {
    /// What a token is good for.
    pub enum TokenAccess in "text" {
        /// For reading.
        Read = "read",
        /// For reading and writing.
        Write = "write",
    }
}

entity! {
    /// A token that a server accepts, without its secret.
    pub struct Token in token {
        /// The id, which is a part of the secret.
        pub id: TokenId,
        /// The name: 1 to 255 bytes, unique among the tokens that are not revoked.
        pub name: String,
        /// What it is good for.
        pub access: TokenAccess,
        /// When it was created.
        pub created_at: MillisSinceEpoch,
        /// When it was last used, to the minute; `None` where it never was.
        pub last_used_at: Option<MillisSinceEpoch>,
        /// When it was revoked; `None` where it is good.
        pub revoked_at: Option<MillisSinceEpoch>,
    }
}

/// A token that was just created, with its secret, which nobody can be told again.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// The token.
    pub token: Token,
    /// The secret: `pegbar_`, the 32 hexadecimal digits of the id, `_`, and 256 random bits in
    /// 43 characters of base64url (RFC 4648, section 5).
    pub secret: String,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

statements! {
    // A name is free again when its token is revoked, which no plain unique index can say: two
    // that create one at the same time look at the names one after the other.
    LOCK = "SELECT id FROM store {for update}";
    ADD = "INSERT INTO token (id, name, hash, access, created_at) VALUES ($1, $2, $3, $4, $5)";
    NAMED = "SELECT {token} FROM token WHERE name = $1 AND revoked_at IS NULL";
    LIST = "SELECT {token} FROM token ORDER BY id";
    GET = "SELECT {token} FROM token WHERE id = $1";
    WITH_HASH = "SELECT {token}, hash FROM token WHERE id = $1 AND revoked_at IS NULL";
    USE = "UPDATE token SET last_used_at = $2 WHERE id = $1 \
           AND (last_used_at IS NULL OR last_used_at < $3)";
    REVOKE = "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// The parts of a secret.
fn parts(secret: &str) -> Option<(TokenId, [u8; RANDOM_BYTES])> {
    let (id, random) = secret.strip_prefix(PREFIX)?.split_once('_')?;
    // Else a UUID could be spelled in several ways.
    let is_digit = |digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if id.len() != 32 || !id.bytes().all(is_digit) {
        return None;
    }
    let random = URL_SAFE_NO_PAD.decode(random).ok()?;
    Some((TokenId(Uuid::try_parse(id).ok()?), random.try_into().ok()?))
}

impl Studio {
    /// Creates a token and returns it with its secret. The secret is not kept: only the SHA-256
    /// of its random part is, which no one can turn back.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is empty or too long; [`Error::Conflict`] where a
    /// token that is not revoked has it.
    pub async fn create_token(&self, name: &str, access: TokenAccess) -> Result<NewToken> {
        check_name("name", name)?;
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|error| Error::Unavailable {
            message: "the system gives no random numbers".to_owned(),
            hint: "a token needs them: try again".to_owned(),
            source: Some(error.into()),
        })?;
        let token = Token {
            id: self.new_id(),
            name: name.to_owned(),
            access,
            created_at: self.now(),
            last_used_at: None,
            revoked_at: None,
        };
        let mut session = self.database().write().await?;
        session
            .query(&LOCK, &[], |row| row.at::<Uuid>(0, "store.id"))
            .await?;
        let named = session.list::<Token>(&NAMED, &[name.into()]).await?;
        if let Some(there) = named.first() {
            return Err(Error::Conflict {
                message: format!("there is a token {name:?} already: {}", there.id),
                hint: "choose another name, or revoke that one first".to_owned(),
            });
        }
        let parameters = [
            Value::Id(token.id.0),
            name.into(),
            Value::Text(Sha256::of(&random).to_string().into()),
            access.as_str().into(),
            Value::Time(token.created_at),
        ];
        session.execute(&ADD, &parameters).await?;
        session.commit().await?;
        let random = URL_SAFE_NO_PAD.encode(random);
        Ok(NewToken {
            secret: format!("{PREFIX}{}_{random}", token.id.0.simple()),
            token,
        })
    }

    /// Lists every token, the oldest first, with those that are revoked.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_tokens(&self) -> Result<Vec<Token>> {
        self.database().read().await?.list(&LIST, &[]).await
    }

    /// Revokes a token: from the commit on, nobody gets in with it. One that is revoked stays
    /// as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke_token(&self, id: TokenId) -> Result<Token> {
        let mut session = self.database().write().await?;
        let parameters = [Value::Id(id.0), Value::Time(self.now())];
        session.execute(&REVOKE, &parameters).await?;
        let mut found = session.list(&GET, &[Value::Id(id.0)]).await?;
        let token = found.pop().ok_or_else(|| Error::not_found("token", id))?;
        session.commit().await?;
        Ok(token)
    }

    /// Returns the token that a secret belongs to; `None` where there is none, where it is
    /// revoked, and for what is no secret at all. Comparing takes the same time wherever the
    /// two differ.
    ///
    /// That it was used is noted aside, once a minute; where that fails, nobody is refused.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn check_token(&self, secret: &str) -> Result<Option<Token>> {
        let Some((id, random)) = parts(secret) else {
            return Ok(None);
        };
        let mut session = self.database().read().await?;
        let found = session
            .optional(&WITH_HASH, &[Value::Id(id.0)], |row| {
                let hash: Sha256 = row.at(Token::TABLE.columns.len(), "token.hash")?;
                Ok((Token::read(row)?, hash))
            })
            .await?;
        drop(session);
        let Some((token, hash)) = found else {
            return Ok(None);
        };
        if !bool::from(Sha256::of(&random).0.ct_eq(&hash.0)) {
            return Ok(None);
        }
        let noted_before = MillisSinceEpoch(self.now().0.saturating_sub(USE_NOTED_EVERY_MS));
        // One at a time: while someone else makes a long change, no more than one waits for it.
        if token.last_used_at.is_none_or(|last| last < noted_before)
            && !self.notes_use().swap(true, Ordering::AcqRel)
        {
            let studio = self.clone();
            tokio::spawn(async move {
                // Whoever asked does not wait, and gets in where it can't be noted.
                let _ = studio.note_use(id, noted_before).await;
                studio.notes_use().store(false, Ordering::Release);
            });
        }
        Ok(Some(token))
    }

    async fn note_use(&self, id: TokenId, before: MillisSinceEpoch) -> Result<()> {
        let mut session = self.database().write().await?;
        let parameters = [
            Value::Id(id.0),
            Value::Time(self.now()),
            Value::Time(before),
        ];
        session.execute(&USE, &parameters).await?;
        session.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_spelling_of_a_secret_is_one() {
        let id = "0192a0f07d3c7a518f100123456789ab";
        let random = "A".repeat(43);
        let good = format!("pegbar_{id}_{random}");
        let (found, bytes) = parts(&good).unwrap();
        assert_eq!(
            (found.0.simple().to_string().as_str(), bytes),
            (id, [0; 32])
        );
        for bad in [
            String::new(),
            "pegbar_".to_owned(),
            format!("pegbar_{id}"),
            format!("pegbar_{id}_"),
            format!("Pegbar_{id}_{random}"),
            format!("pegbar_{}_{random}", found.0),
            format!("pegbar_{}_{random}", id.to_uppercase()),
            format!("pegbar_{id}_{random}A"),
            format!("pegbar_{id}_{}", &random[1..]),
            format!("pegbar_{id}_{random}="),
            // Bits beyond the 256.
            format!("pegbar_{id}_{}B", &random[1..]),
            format!("pegbar_{id}_{}+", &random[1..]),
            format!(" {good}"),
        ] {
            assert_eq!(parts(&bad), None, "{bad}");
        }
    }
}
