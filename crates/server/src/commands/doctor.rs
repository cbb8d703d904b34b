//! `guildhall doctor`: looks for what could go wrong, and says what to do about it.

use super::{Print, database_file, open};
use crate::config::Settings;
use crate::output;
use guildhall_app::SCHEMA_VERSION;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

/// Less free space than this is worth a warning, in bytes.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Fewer open files than this are worth a warning.
const OPEN_FILES_MIN: u64 = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    const fn as_str(self) -> &'static str {
        match self {
            Finding::Ok => "ok",
            Finding::Warn => "warn",
            Finding::Fail => "fail",
        }
    }
}

struct Check {
    name: &'static str,
    finding: Finding,
    detail: String,
}

pub(super) async fn run(print: Print, settings: Settings) -> anyhow::Result<ExitCode> {
    let mut checks = vec![settings_file(&settings), open_files()];
    if settings.database_url.is_none() {
        checks.extend([permissions(&settings), free_space(&settings)]);
    }
    database(&settings, &mut checks).await;
    let failed = checks.iter().any(|check| check.finding == Finding::Fail);
    let rows = checks.iter().map(
        |check| json!({ "check": check.name, "result": check.finding.as_str(), "detail": check.detail }),
    );
    let rows: Value = rows.collect::<Vec<_>>().into();
    output::show(print.json, &rows, |rows| output::table(rows, &["result", "check", "detail"]));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn settings_file(settings: &Settings) -> Check {
    let detail = settings.file().map_or("none; defaults apply".into(), |file| file.display().to_string());
    Check { name: "settings", finding: Finding::Ok, detail }
}

fn open_files() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let enough = limit.is_none_or(|limit| limit >= OPEN_FILES_MIN);
    let shown = limit.map_or("unlimited".into(), |limit| limit.to_string());
    let (finding, hint) = if enough {
        (Finding::Ok, "")
    } else {
        (Finding::Warn, "; raise it with `ulimit -n 65536` or LimitNOFILE= for many connections")
    };
    Check { name: "open files", finding, detail: format!("{shown}{hint}") }
}

fn permissions(settings: &Settings) -> Check {
    let file = database_file(settings);
    let (finding, detail) = match std::fs::metadata(&file) {
        Err(error) => (Finding::Fail, format!("{}: {error}", file.display())),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            (Finding::Warn, format!("others can read {0}; run `chmod 600 {0}`", file.display()))
        }
        Ok(_) => (Finding::Ok, file.display().to_string()),
    };
    Check { name: "database file", finding, detail }
}

fn free_space(settings: &Settings) -> Check {
    let (finding, detail) = match rustix::fs::statvfs(&settings.data_dir) {
        Err(error) => (Finding::Fail, format!("{}: {error}", settings.data_dir.display())),
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let finding = if free < FREE_BYTES_MIN { Finding::Warn } else { Finding::Ok };
            (finding, format!("{} MiB free", free >> 20))
        }
    };
    Check { name: "disk", finding, detail }
}

async fn database(settings: &Settings, checks: &mut Vec<Check>) {
    let guildhall = match open(settings, false).await {
        Ok(guildhall) => guildhall,
        Err(error) => {
            checks.push(Check { name: "database", finding: Finding::Fail, detail: output::reason(&error) });
            return;
        }
    };
    let detail = format!("{}, schema version {SCHEMA_VERSION}", guildhall.engine_name());
    checks.push(Check { name: "database", finding: Finding::Ok, detail });
    let (finding, detail) = match guildhall.check_integrity().await {
        Ok(None) => (Finding::Ok, "no damage found".into()),
        Ok(Some(found)) => (Finding::Fail, format!("damaged: {found}; restore a backup")),
        Err(error) => (Finding::Fail, format!("could not be checked: {error:?}")),
    };
    checks.push(Check { name: "integrity", finding, detail });
    guildhall.close().await;
}
