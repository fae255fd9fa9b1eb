//! Applying the migrations on one server, and every check.

use super::down::{self, Downs};
use super::folder::Folder;
use super::plan::{Applied, Extensions, IfMissing, Refused, VerifyResults};
use super::plans;
use super::run::{apply, end, load_base, make_own_tables, without_unknown_settings};
use super::schema_checks::{self, Finished};
use super::server_choice::VerifyServer;
use super::{Args, Context};
use crate::facts;
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::{Database, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// Applies the migrations and judges them and what they leave. `judgement`: as it is before anything
/// is found.
///
/// # Errors
/// `Declaration` where the base cannot be applied; those of the server.
pub async fn judge(
    context: &Context,
    args: &Args,
    server: &VerifyServer,
    folder: &Folder,
    mut judgement: VerifyResults,
) -> Result<VerifyResults> {
    let migrations = &folder.migrations;
    let database = server.open(context).await?;
    let extensions = extensions(&database, folder).await?;
    let session = session(&database, args).await?;
    let sent = prepare(context, &session, args, folder, &extensions).await?;
    let applied = apply(&session, &sent.migrations, folder.layout())
        .await?
        .for_layout(folder.layout(), args.preset.is_some());
    end(session).await;
    require_server(&database, &applied).await?;
    judgement.verified_on.push(server.verified_on(&database));
    judgement.parse(migrations, &applied);
    judgement.apply(migrations, &applied);
    judgement.extensions(&extensions, args.if_missing());
    let choice = Finished { context, args, database: &database };
    match applied.refused {
        None => choice.judge(&applied.observed, &mut judgement).await?,
        Some(_) => schema_checks::skip(&mut judgement),
    }
    if let Some(twin) = &args.twin {
        plans::judge(context, args, twin, migrations, &mut judgement).await?;
    }
    if args.down {
        down::judge(&Downs { context, server, folder: &sent }, &applied, &mut judgement).await?;
    }
    judgement.locks(&applied, folder.existing());
    judgement.lint(migrations, &applied, database.server.version);
    judgement.ignores();
    Ok(judgement)
}

/// Looked for only where a script creates one.
async fn extensions(database: &Database, folder: &Folder) -> Result<Extensions> {
    if Extensions::created_by(folder.scripts()).is_empty() {
        return Ok(Extensions::default());
    }
    let available = facts::load_available_extensions(&database.reader().await?).await?;
    Ok(Extensions::of(folder.scripts(), &available, database.server.version.major()))
}

/// The server looks at the settings as soon as somebody begins with them.
async fn session(database: &Database, args: &Args) -> Result<Session> {
    let session = database.maintainer(Workers::AsConfigured).await;
    session.map_err(|failure| match failure.sqlstate {
        Some(_) if !args.set.is_empty() => {
            Failure { kind: Kind::Usage, ..failure.context("--set") }
                .hint("a name without a dot has to be that of a setting that the role may change")
        }
        _ => failure,
    })
}

/// A server that is being shut down refuses what runs in words that a migration could have earned:
/// what tells them apart is whether the server still answers.
async fn require_server(database: &Database, applied: &Applied) -> Result<()> {
    let Some(Refused { place, error, .. }) = &applied.refused else {
        return Ok(());
    };
    let answer = match database.reader().await {
        Ok(reader) => reader.execute("SELECT 1").await.map_err(ServerError::into_failure),
        Err(failure) => Err(failure),
    };
    answer.map_err(|failure| Failure {
        kind: Kind::Connection,
        ..failure.context(error).context(&place.at)
    })
}

/// Makes what has to be there before the first migration. Returns what is sent.
async fn prepare(
    context: &Context,
    session: &Session,
    args: &Args,
    folder: &Folder,
    extensions: &Extensions,
) -> Result<Folder> {
    let mut sent = match args.if_missing() {
        IfMissing::Skip => folder.without_missing(extensions),
        IfMissing::Fail => folder.clone(),
    };
    if let Some(preset) = &sent.preset {
        load_base(session, preset).await?;
    }
    if let Some(base) = &mut sent.base {
        let (known, warnings) = without_unknown_settings(session, base).await?;
        *base = known;
        for warning in warnings {
            context.console.warn(&warning);
        }
        let missing = extensions.failure_of(base).filter(|_| !args.skip_missing_extensions);
        missing.map_or(Ok(()), Err)?;
        load_base(session, base).await?;
    }
    make_own_tables(session, folder.layout()).await?;
    Ok(sent)
}
