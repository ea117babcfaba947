//! Requests that may come twice: whoever got no answer asks again with the same key, and
//! nothing is done twice.

use uuid::Uuid;

use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::json::Json;
use crate::studio::Studio;
use crate::text::check_name;
use crate::time::MillisSinceEpoch;

/// How long a request is remembered at least, in milliseconds: 7 days.
const REMEMBERED_MS: i64 = 7 * 24 * 60 * 60 * 1000;

statements! {
    BEGIN = "INSERT INTO idempotent_request (scope, key, request_hash, reserved, created_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope, key) DO NOTHING";
    GET = "SELECT request_hash, reserved, status, answer FROM idempotent_request \
           WHERE scope = $1 AND key = $2";
    FINISH = "UPDATE idempotent_request SET status = $3, answer = $4 \
              WHERE scope = $1 AND key = $2 AND status IS NULL";
    FORGET = "DELETE FROM idempotent_request WHERE created_at < $1";
}

/// What is known of a request with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BegunRequest {
    /// It comes for the first time; of several at once, for one of them.
    New,
    /// It came before and was not answered yet: it may be under way, or may have been
    /// interrupted before or after its commit. What it would have created has these ids.
    Unfinished {
        /// The ids that were reserved when it came for the first time.
        reserved: Vec<Uuid>,
    },
    /// It came before and was answered.
    Finished {
        /// The status of the answer.
        status: u16,
        /// The answer.
        answer: String,
    },
}

struct Remembered {
    request_hash: Sha256,
    reserved: Json,
    status: Option<u32>,
    answer: Option<String>,
}

/// A scope may be empty: then it is everybody's.
fn check(scope: &str, key: &str) -> Result<()> {
    if !scope.is_empty() {
        check_name("scope", scope)?;
    }
    check_name("key", key)
}

async fn get(session: &mut Session, scope: &str, key: &str) -> Result<Option<Remembered>> {
    session
        .optional(&GET, &[scope.into(), key.into()], |row| {
            Ok(Remembered {
                request_hash: row.at(0, "idempotent_request.request_hash")?,
                reserved: row.at(1, "idempotent_request.reserved")?,
                status: row.at(2, "idempotent_request.status")?,
                answer: row.at(3, "idempotent_request.answer")?,
            })
        })
        .await
}

impl Remembered {
    fn begun(self, key: &str, request_hash: Sha256) -> Result<BegunRequest> {
        if self.request_hash != request_hash {
            return Err(Error::Conflict {
                message: format!("the key {key:?} was used for another request"),
                hint: "use a new key for each request that is not the same as before".to_owned(),
            });
        }
        let damaged = |reason: String| Error::Damaged {
            place: format!("idempotent_request of the key {key:?}"),
            reason,
            source: None,
        };
        if let (Some(status), Some(answer)) = (self.status, self.answer) {
            let status = u16::try_from(status).map_err(|error| damaged(error.to_string()))?;
            return Ok(BegunRequest::Finished { status, answer });
        }
        let reserved = self.reserved.to_typed();
        let reserved = reserved.map_err(|error| damaged(error.to_string()))?;
        Ok(BegunRequest::Unfinished { reserved })
    }
}

impl Studio {
    /// Begins a request that may come twice, before anything of it is done. `scope` tells those
    /// apart who choose keys, and may be empty; `key` is theirs, 1 to 255 bytes;
    /// `request_hash` is over all of the request; `reserved` are the ids of what it is going to
    /// create.
    ///
    /// Of several that come at once, also to several processes, one is told
    /// [`BegunRequest::New`]. A request is remembered for 7 days, also across a restart.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the key was used for another request; [`Error::Invalid`] for a
    /// key or scope that is too long, and for an empty key.
    pub async fn begin_request(
        &self,
        scope: &str,
        key: &str,
        request_hash: Sha256,
        reserved: Vec<Uuid>,
    ) -> Result<BegunRequest> {
        check(scope, key)?;
        let reserved = Json::from_typed(&reserved)
            .map_err(|error| Error::invalid("reserved", error.to_string()))?;
        let now = self.now();
        let parameters = [
            scope.into(),
            key.into(),
            Value::Text(request_hash.to_string().into()),
            Value::Json(&reserved),
            Value::Time(now),
        ];
        loop {
            // Most that come again find their answer without waiting for anyone who writes.
            let mut session = self.database().read().await?;
            if let Some(found) = get(&mut session, scope, key).await? {
                return found.begun(key, request_hash);
            }
            drop(session);
            let mut session = self.database().write().await?;
            if session.execute(&BEGIN, &parameters).await? == 1 {
                session.commit().await?;
                break;
            }
            // Another was faster; if it is forgotten by now, this one is the first again.
        }
        self.forget_requests(request_hash, now).await?;
        Ok(BegunRequest::New)
    }

    /// Removes what is too old, at one of 64 requests: hashes are as good as dice, and need
    /// no memory.
    async fn forget_requests(&self, request_hash: Sha256, now: MillisSinceEpoch) -> Result<()> {
        if request_hash.0[0] >= 4 {
            return Ok(());
        }
        let oldest = MillisSinceEpoch(now.0.saturating_sub(REMEMBERED_MS));
        let mut session = self.database().write().await?;
        session.execute(&FORGET, &[Value::Time(oldest)]).await?;
        session.commit().await
    }

    /// Remembers the answer to a request that was begun. The first answer stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] where no such request was begun; [`Error::Invalid`] for an answer
    /// with the character NUL.
    pub async fn finish_request(
        &self,
        scope: &str,
        key: &str,
        status: u16,
        answer: &str,
    ) -> Result<()> {
        check(scope, key)?;
        if answer.contains('\0') {
            return Err(Error::invalid("answer", "holds the character NUL"));
        }
        let mut session = self.database().write().await?;
        let parameters = [
            scope.into(),
            key.into(),
            Value::Int(status.into()),
            answer.into(),
        ];
        let finished = session.execute(&FINISH, &parameters).await?;
        if finished == 0 && get(&mut session, scope, key).await?.is_none() {
            return Err(Error::Conflict {
                message: format!("no request with the key {key:?} was begun, or it is forgotten"),
                hint: "begin it first".to_owned(),
            });
        }
        session.commit().await
    }
}
