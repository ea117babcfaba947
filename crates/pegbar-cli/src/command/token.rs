//! `pegbar token`.

use pegbar::{Studio, Token, TokenAccess};

use crate::context::Context;
use crate::error::CommandError;
use crate::find;
use crate::output::Output;
use crate::text::quoted;

/// Create, list and revoke the tokens that let others in through a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar token create 'build machine'
  pegbar token list")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

/// Create a token and print its secret, this once
///
/// Only a hash of the secret is kept: who loses it creates another token.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar token create 'build machine' > build.token
  pegbar token create viewer --read-only")]
struct Create {
    /// What it is called, to know it again when it is to be revoked
    name: String,
    /// Good for reading only
    #[arg(long)]
    read_only: bool,
}

/// List the tokens, with those that are revoked, the oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar token list")]
struct List {}

/// Revoke a token: nobody gets in with it any more
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar token revoke 'build machine'")]
struct Revoke {
    /// The token, by its name or its id
    #[arg(value_name = "TOKEN")]
    token: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Create(create) => create.run(studio, output).await,
        Action::List(List {}) => list(studio, output).await,
        Action::Revoke(revoke) => revoke.run(studio, output).await,
    }
}

impl Create {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let access = if self.read_only {
            TokenAccess::Read
        } else {
            TokenAccess::Write
        };
        let new = studio.create_token(&self.name, access).await?;
        if output.is_json() {
            return output.json(&new);
        }
        output.line(&new.secret)?;
        output.note(format_args!(
            "this is the secret of the token {}, {}: keep it, it is not shown again",
            quoted(&self.name),
            good_for(access)
        ));
        Ok(())
    }
}

fn good_for(access: TokenAccess) -> &'static str {
    match access {
        TokenAccess::Read => "for reading",
        TokenAccess::Write => "for reading and writing",
    }
}

async fn list(studio: &Studio, output: &Output) -> Result<(), CommandError> {
    let mut list = output.list(&["TOKEN", "ACCESS", "CREATED", "LAST USED", "REVOKED", "ID"]);
    for token in &studio.list_tokens().await? {
        let time = |time: Option<_>| time.map(|time| output.time(time)).unwrap_or_default();
        list.row(token, |token| {
            vec![
                token.name.clone(),
                token.access.to_string(),
                output.time(token.created_at),
                time(token.last_used_at),
                time(token.revoked_at),
                output.id(token.id),
            ]
        })?;
    }
    if list.finish()? == 0 {
        output.note("there is no token yet; `pegbar token create NAME` makes one");
    }
    Ok(())
}

impl Revoke {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let Token { id, .. } = find::token(studio, &self.token).await?;
        let revoked = studio.revoke_token(id).await?;
        output.changed("revoked the token", &revoked.name, id, &revoked)
    }
}
