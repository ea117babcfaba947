//! The address of the app's database, as Prisma writes it.

use tokio_postgres::Config;

use crate::error::{Error, Result};

/// Where the app's tables are.
pub(in super::super) struct Address {
    pub(super) config: Config,
    /// The schema they are in.
    pub(super) schema: String,
}

/// The options that PostgreSQL's own clients know (libpq, section "Parameter Key Words"), as
/// far as they say where to connect and as whom. Prisma's own options, such as
/// `connection_limit`, say how, and mean nothing here.
const KNOWN: &[&str] = &[
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "sslmode",
    "connect_timeout",
    "target_session_attrs",
];

impl Address {
    pub(in super::super) fn parse(url: &str) -> Result<Self> {
        // The address may hold a password: no message repeats any of it.
        let malformed = || Error::Unavailable {
            message: "the address of the app's database is malformed".to_owned(),
            hint: "it looks like postgresql://user:password@host:5432/database?schema=public"
                .to_owned(),
            source: None,
        };
        let url = url.trim();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(malformed());
        }
        let (base, options) = url.split_once('?').unwrap_or((url, ""));
        let mut schema = "public".to_owned();
        let mut kept: Vec<&str> = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("schema", name)) => name.clone_into(&mut schema),
                Some((key, _)) if KNOWN.contains(&key) => kept.push(option),
                _ => {}
            }
        }
        let options = kept.join("&");
        let separator = if options.is_empty() { "" } else { "?" };
        let config = format!("{base}{separator}{options}").parse::<Config>();
        let mut config = config.map_err(|_| malformed())?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(15));
        }
        config.application_name("pegbar");
        Ok(Self { config, schema })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_prisma_is_understood() {
        let url = "postgresql://me:s%40fe@db.example:5433/app?schema=cats&connection_limit=5\
                   &sslmode=disable&pgbouncer=true";
        let Address { config, schema } = Address::parse(url).unwrap();
        assert_eq!(schema, "cats");
        assert_eq!(config.get_password(), Some(&b"s@fe"[..]));
        assert_eq!(config.get_dbname(), Some("app"));
        assert_eq!(config.get_ports(), [5433]);
        let plain = Address::parse("postgres://me@localhost/app").unwrap();
        assert_eq!(plain.schema, "public");
    }

    #[test]
    fn no_part_of_a_malformed_address_is_repeated() {
        for url in [
            "mysql://me:hunter2@host/app",
            "prisma+postgres://host?api_key=hunter2",
            "postgres://me:hunter2@host:port:hunter2/app",
            "me:hunter2@host",
        ] {
            let error = Address::parse(url).map(drop).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{url}");
            assert!(error.hint().unwrap().contains("postgresql://"));
        }
    }
}
