//! Members in and out: a CSV file is uploaded, its columns are told what they mean, it is tried and
//! taken; all members can be taken out as CSV or JSON lines.

use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::page::{redirect, secured};
use crate::dashboard::shell::Shell;
use crate::dashboard::when::When;
use crate::problem::typed;
use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use guildhall_app::members::{KNOWN_COLUMNS, csv_header};
use guildhall_app::{AppError, Guildhall, LastingAccess};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

#[derive(Template)]
#[template(path = "dashboard/import_new.html")]
struct UploadPage {
    shell: Shell,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/import.html")]
struct ImportPage {
    shell: Shell,
    id: String,
    file_name: String,
    state: String,
    rows: i64,
    done: i64,
    taken: i64,
    refused: i64,
    updated: When,
    columns: Vec<Column>,
    known: Vec<&'static str>,
    fields: Vec<(String, String)>,
    complaints: Vec<(String, String)>,
    /// Where to look again while it runs.
    again: String,
    error: Option<String>,
}

struct Column {
    name: String,
    sample: String,
    chosen: String,
}

impl ImportPage {
    fn is_running(&self) -> bool {
        matches!(self.state.as_str(), "trying" | "taking")
    }

    fn is_done(&self) -> bool {
        self.state == "done"
    }
}

/// `GET …/members/import`
pub(in crate::dashboard) async fn import_form(desk: Desk) -> Result<Response, AppError> {
    desk.page(&UploadPage { shell: desk.shell("Import members", "members"), error: None })
}

/// `POST …/members/import`
pub(in crate::dashboard) async fn import_upload(desk: Desk) -> Result<Response, AppError> {
    let uploaded = async {
        let file = desk.upload.as_ref().filter(|file| !file.bytes.is_empty());
        let file = file.ok_or_else(|| AppError::because(Code::InputInvalid, "Choose a file first."))?;
        desk.guildhall().upload_members(desk.place()?, &file.name, &file.bytes).await
    };
    match uploaded.await {
        Ok(id) => Ok(redirect(&desk.link(&format!("/members/import/{id}")))),
        Err(error) if can_be_mended(&error) => {
            let shell = desk.shell("Import members", "members");
            let page = UploadPage { shell, error: Some(error.message.to_string()) };
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `GET …/members/import/{import}`, with what the columns mean as `column.N`.
pub(in crate::dashboard) async fn import_show(desk: Desk) -> Result<Response, AppError> {
    let page = import_page(&desk, None).await?;
    desk.page(&page)
}

async fn import_page(desk: &Desk, error: Option<String>) -> Result<ImportPage, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let id = desk.param("import");
    let import = desk.guildhall().member_import(&access, id).await?;
    let preview = desk.guildhall().preview_upload(&access, id).await?;
    let fields: Vec<_> = access.definitions().custom_fields.iter().collect();
    let given = if error.is_some() { &desk.form } else { &desk.query };
    let columns = preview.columns.iter().zip(0..).map(|(name, place)| {
        let key = format!("column.{place}");
        let guess = || {
            let plain = |text: &str| text.to_lowercase().replace([' ', '_', '-'], "");
            let known = KNOWN_COLUMNS.iter().map(|column| (*column, *column));
            let custom = fields.iter().flat_map(|field| {
                [(field.key.as_str(), field.key.as_str()), (field.label.as_str(), field.key.as_str())]
            });
            let mut all = known.chain([("e-mail", "email"), ("emailaddress", "email")]).chain(custom);
            let found = all.find(|(known, _)| plain(known) == plain(name));
            found.map_or_else(String::new, |(_, key)| key.to_owned())
        };
        Column {
            sample: preview.rows.first().and_then(|row| row.get(place)).cloned().unwrap_or_default(),
            chosen: if given.ticked(&key) { given.get(&key).to_owned() } else { guess() },
            name: name.clone(),
        }
    });
    let mut report = csv::Reader::from_reader(import.report.as_bytes());
    let complaints = report.records().filter_map(Result::ok).take(100).map(|record| {
        (record.get(0).unwrap_or_default().to_owned(), record.get(1).unwrap_or_default().to_owned())
    });
    Ok(ImportPage {
        shell: desk.shell("Import members", "members"),
        id: import.id.to_string(),
        complaints: complaints.collect(),
        file_name: import.file_name,
        state: import.state,
        rows: import.rows,
        done: import.done,
        taken: import.taken,
        refused: import.refused,
        updated: desk.when(import.updated_at),
        columns: columns.collect(),
        known: KNOWN_COLUMNS.to_vec(),
        fields: fields.iter().map(|field| (field.key.clone(), field.label.clone())).collect(),
        again: format!("{}?{}", desk.path, desk.query.query_without(&["done"])),
        error,
    })
}

/// `POST …/members/import/{import}`: a dry run, or the real one.
pub(in crate::dashboard) async fn import_run(desk: Desk) -> Result<Response, AppError> {
    let id = desk.param("import").to_owned();
    let begun = async {
        let access = desk.allow(Action::MemberWrite)?;
        let columns = desk.guildhall().preview_upload(&access, &id).await?.columns.len();
        let mapping = (0..columns).map(|place| desk.form.get(&format!("column.{place}")).to_owned());
        let dry_run = desk.form.get("action") != "take";
        desk.guildhall().begin_import(desk.place()?, &id, mapping.collect(), dry_run).await
    };
    match begun.await {
        Ok(work) => {
            tokio::spawn(work);
            let mut query = form_urlencoded::Serializer::new(String::new());
            for (place, meaning) in desk.form.under("column.") {
                query.append_pair(&format!("column.{place}"), meaning);
            }
            Ok(redirect(&desk.link(&format!("/members/import/{id}?{}", query.finish()))))
        }
        Err(error) if can_be_mended(&error) => {
            let page = import_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `GET …/members/import/{import}/report`: what was refused, as CSV.
pub(in crate::dashboard) async fn import_report(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let import = desk.guildhall().member_import(&access, desk.param("import")).await?;
    let response = typed(StatusCode::OK, "text/csv; charset=utf-8", import.report.into_bytes());
    Ok(attached(response, "refused.csv"))
}

fn attached(response: Response, name: &str) -> Response {
    let mut response = secured(response);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// `POST …/members/export`: everything, as it is read. Without password hashes: those move with the
/// command line only.
pub(in crate::dashboard) async fn export(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    desk.guildhall().note_export(&access).await?;
    let csv = desk.form.get("format") != "jsonl";
    let place = desk.place()?.lasting(Action::MemberRead)?;
    let mode = access.mode();
    let start = Export { guildhall: desk.guildhall().clone(), place, csv, after: Some(None) };
    let body = Body::from_stream(stream::try_unfold(start, part));
    let (content_type, ending) =
        if csv { ("text/csv; charset=utf-8", "csv") } else { ("application/jsonl", "jsonl") };
    let mut response = typed(StatusCode::OK, content_type, Vec::new());
    *response.body_mut() = body;
    Ok(attached(response, &format!("members-{mode}.{ending}")))
}

struct Export {
    guildhall: Guildhall,
    place: LastingAccess,
    csv: bool,
    /// Where the next part begins; nothing after the last.
    after: Option<Option<i64>>,
}

async fn part(mut export: Export) -> Result<Option<(Vec<u8>, Export)>, std::io::Error> {
    let Some(after) = export.after else { return Ok(None) };
    let failed = |error: AppError| std::io::Error::other(error.message.into_owned());
    let (bytes, next) = {
        let access = export.place.access();
        let page = export.guildhall.export_members(&access, after).await.map_err(failed)?;
        let (next, page) = (page.next, page.without_passwords());
        let definitions = access.definitions();
        let bytes = if export.csv {
            let header = after.is_none().then(|| csv_header(definitions));
            written(header.into_iter().chain(page.to_csv_records(definitions)))?
        } else {
            page.to_json_lines(definitions)
        };
        (bytes, next)
    };
    export.after = next.map(Some);
    Ok(Some((bytes, export)))
}

fn written(records: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, std::io::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(&record)?;
    }
    writer.into_inner().map_err(|_| std::io::Error::other("CSV cannot be written"))
}
