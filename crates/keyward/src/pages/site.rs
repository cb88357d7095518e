//! Every file of the site with its content.

use super::expand::Known;
use super::layout::{Group, Item, Layout};
use super::source::{self, Source};
use super::{explorer, html};
use crate::config::LimitsConfig;
use crate::document::{EDITION, document, openapi_30, postman};
use crate::representation::packed_well;
use askama::Template;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;

/// A file that is served.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) kind: &'static str,
    pub(super) bytes: Bytes,
    /// Names the content (RFC 9110 §8.8.3), quotes included.
    pub(super) etag: String,
    /// Compressed, once somebody has asked for it; `None`: it is better sent as it is.
    packed: OnceLock<Option<Packed>>,
}

/// A file in gzip: another representation, so it has a tag of its own.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) bytes: Bytes,
    pub(super) etag: String,
}

impl File {
    pub(super) fn packed(&self) -> Option<&Packed> {
        let pack = || {
            let bytes = Bytes::from(packed_well(&self.bytes)?);
            Some(Packed { bytes, etag: format!("{}-gzip\"", self.etag.strip_suffix('"')?) })
        };
        self.packed.get_or_init(pack).as_ref()
    }
}

const HTML: &str = "text/html; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Every file by its path.
pub(super) type Site = BTreeMap<String, File>;

/// Makes every file, for a server that is reached there and has these limits.
pub(super) fn site(public_url: &str, limits: &LimitsConfig) -> Site {
    let document = document(public_url, limits);
    let known = Known { document: &document, limits, public_url };
    let sources = source::pages();
    let mut site = Site::new();
    let mut put =
        |path: &str, kind: &'static str, text: String| drop(site.insert(path.to_owned(), file(kind, text)));
    let mut whole = String::new();
    for page in &sources {
        let markdown = known.page(page);
        let twin = twin_of(page.path);
        let explorer = explorer::data(&document, &page.operations);
        put(page.path, HTML, framed(page, &sources, &twin, (&markdown, explorer.as_deref())));
        let _ = write!(whole, "{}\n\n", markdown.trim_end());
        put(&twin, MARKDOWN, markdown);
    }
    put(
        "/platform/llms.txt",
        TEXT,
        known.text(&source::LLMS.replace("{{pages}}", &contents(&sources, public_url))),
    );
    put("/platform/llms-full.txt", TEXT, whole);
    put("/platform/openapi.json", JSON, document.to_string());
    put("/platform/openapi-3.0.json", JSON, openapi_30::rendering(&document).to_string());
    put("/platform/lev-api-v2.postman_collection.json", JSON, postman::collection(&document).to_string());
    let style = include_str!("../../pages/assets/style.css");
    put("/platform/assets/style.css", "text/css; charset=utf-8", style.to_owned());
    let app = include_str!("../../pages/assets/app.css");
    put("/platform/assets/app.css", "text/css; charset=utf-8", app.to_owned());
    let copy = include_str!("../../pages/assets/copy.js");
    put("/platform/assets/copy.js", "text/javascript; charset=utf-8", copy.to_owned());
    let script = include_str!("../../pages/assets/explorer.js");
    put("/platform/assets/explorer.js", "text/javascript; charset=utf-8", script.to_owned());
    site
}

/// The path of a page's Markdown.
pub(super) fn twin_of(path: &str) -> String {
    if path == "/" { "/index.md".to_owned() } else { format!("{path}.md") }
}

fn file(kind: &'static str, text: String) -> File {
    let digest = Sha256::digest(text.as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    File { kind, bytes: Bytes::from(text), etag: format!("\"{short}\""), packed: OnceLock::new() }
}

fn framed(
    page: &Source,
    sources: &[Source],
    twin: &str,
    (markdown, explorer): (&str, Option<&str>),
) -> String {
    let (content, toc) = html::render(markdown);
    let item = |path: &'static str| {
        let name = sources.iter().find(|source| source.path == path).map_or(path, |source| source.nav);
        Item { name, path, current: path == page.path }
    };
    let nav: Vec<Group> = source::menu()
        .into_iter()
        .map(|(name, paths)| Group { name, items: paths.into_iter().map(item).collect() })
        .collect();
    let layout = Layout {
        title: page.title,
        description: page.description,
        path: page.path,
        markdown_path: twin,
        nav: &nav,
        content: &content,
        toc: &toc,
        explorer,
        version: EDITION,
        server_version: env!("CARGO_PKG_VERSION"),
    };
    // It only writes into a String.
    layout.render().unwrap_or_default()
}

/// The pages, as `llms.txt` lists them.
fn contents(sources: &[Source], public_url: &str) -> String {
    let mut text = String::new();
    for page in sources.iter().filter(|page| page.path != "/") {
        let _ =
            writeln!(text, "- [{}]({public_url}{}): {}", page.title, twin_of(page.path), page.description);
    }
    text.trim_end().to_owned()
}
