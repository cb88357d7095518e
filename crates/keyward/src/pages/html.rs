//! Markdown to HTML: headings that can be linked to, tables that scroll by themselves, samples in tabs.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A heading, for the list of contents.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) level: u8,
}

/// A page's HTML and its headings of the second and third level.
pub(super) fn render(markdown: &str) -> (String, Vec<Entry>) {
    let mut page = Page::default();
    let events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    page.blocks(&events);
    let mut text = String::new();
    html::push_html(&mut text, page.out.into_iter());
    if page.in_summary {
        text.push_str("</section>\n");
    }
    (text, page.entries)
}

/// The id of a heading: its letters and digits in lower case, joined by hyphens. The code of an error stays as it is.
pub(super) fn slug(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return text.to_owned();
    }
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[derive(Default)]
struct Page<'m> {
    out: Vec<Event<'m>>,
    entries: Vec<Entry>,
    heading: String,
    tables: usize,
    tabs: usize,
    in_summary: bool,
}

impl<'m> Page<'m> {
    fn blocks(&mut self, events: &[Event<'m>]) {
        let mut at = 0;
        while let Some(event) = events.get(at) {
            at += match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    self.heading(*level, between(events, at, |end| matches!(end, TagEnd::Heading(_))))
                }
                Event::Start(Tag::CodeBlock(_)) => self.code(events, at),
                Event::Start(Tag::Table(_)) if self.in_summary => self.summary(events, at),
                Event::Start(Tag::Table(_)) => {
                    self.tables += 1;
                    let label = escape(&format!("{}: table {}", self.heading, self.tables));
                    self.raw(format!(
                        r#"<div class="table" tabindex="0" role="region" aria-label="{label}">"#
                    ));
                    self.out.push(event.clone());
                    1
                }
                Event::End(TagEnd::Table) => {
                    self.out.push(event.clone());
                    self.raw("</div>\n".to_owned());
                    1
                }
                Event::Start(Tag::Paragraph) => self.paragraph(events, at),
                other => {
                    self.out.push(other.clone());
                    1
                }
            };
        }
    }

    /// When the page was last updated has a look of its own. How many events it was.
    fn paragraph(&mut self, events: &[Event<'m>], at: usize) -> usize {
        let inner = between(events, at, |end| matches!(end, TagEnd::Paragraph));
        match inner {
            [Event::Text(text)] if text.starts_with("Last updated: ") => {
                self.raw(format!("<p class=\"updated\">{}</p>\n", escape(text)));
                inner.len() + 2
            }
            _ => {
                self.out.extend(events.get(at).cloned());
                1
            }
        }
    }

    /// The Integration Summary: a table whose rows have heads and whose columns have none. How many events it was.
    fn summary(&mut self, events: &[Event<'m>], at: usize) -> usize {
        let inner = between(events, at, |end| matches!(end, TagEnd::Table));
        self.raw(r#"<div class="table" tabindex="0" role="region" aria-label="Integration Summary"><table><tbody>"#.to_owned());
        let (mut in_head, mut is_first) = (false, false);
        for event in inner {
            match event {
                Event::Start(Tag::TableHead) => in_head = true,
                Event::End(TagEnd::TableHead) => in_head = false,
                _ if in_head => {}
                Event::Start(Tag::TableRow) => {
                    is_first = true;
                    self.raw("<tr>".to_owned());
                }
                Event::End(TagEnd::TableRow) => self.raw("</tr>\n".to_owned()),
                Event::Start(Tag::TableCell) => {
                    self.raw(if is_first { "<th scope=\"row\">" } else { "<td>" }.to_owned());
                }
                Event::End(TagEnd::TableCell) => {
                    self.raw(if is_first { "</th>" } else { "</td>" }.to_owned());
                    is_first = false;
                }
                other => self.out.push(other.clone()),
            }
        }
        self.raw("</tbody></table></div>\n".to_owned());
        inner.len() + 2
    }

    fn raw(&mut self, html: String) {
        self.out.push(Event::Html(CowStr::from(html)));
    }

    /// How many events the heading was.
    fn heading(&mut self, level: HeadingLevel, inner: &[Event<'m>]) -> usize {
        let text: String = inner
            .iter()
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let id = slug(&text);
        if self.in_summary {
            self.in_summary = false;
            self.raw("</section>\n".to_owned());
        }
        if id == "integration-summary" {
            self.in_summary = true;
            self.raw("<section class=\"summary\" aria-labelledby=\"integration-summary\">\n".to_owned());
        }
        if level > HeadingLevel::H3 {
            // A part of a section: not to be linked to, and so without an id that others have too.
            self.raw(format!("<{level}>"));
            self.out.extend(inner.iter().cloned());
            self.raw(format!("</{level}>\n"));
            return inner.len() + 2;
        }
        self.raw(format!(r#"<{level} id="{}">"#, escape(&id)));
        match text.split_once(' ') {
            Some((method, path)) if path.starts_with('/') && is_method(method) => {
                let class = method.to_ascii_lowercase();
                self.raw(format!(
                    r#"<span class="method {class}">{method}</span> <code>{}</code>"#,
                    escape(path)
                ));
            }
            _ => self.out.extend(inner.iter().cloned()),
        }
        if level != HeadingLevel::H1 {
            self.raw(format!(
                r##" <a class="anchor" href="#{}" aria-label="Link to {}">#</a>"##,
                escape(&id),
                escape(&text)
            ));
        }
        self.raw(format!("</{level}>\n"));
        if matches!(level, HeadingLevel::H2 | HeadingLevel::H3) {
            self.entries.push(Entry { id, text: text.clone(), level: level as u8 });
        }
        self.heading = text;
        inner.len() + 2
    }

    /// How many events the block of code was, or the sample, which is three in a row.
    fn code(&mut self, events: &[Event<'m>], at: usize) -> usize {
        let (language, text, length) = block(events, at);
        let (second, third) =
            (block(events, at + length), block(events, at + length + block(events, at + length).2));
        if (language.as_str(), second.0.as_str(), third.0.as_str()) == ("sh", "ts", "python") {
            self.tabbed(&[
                ("curl", "sh", &text),
                ("TypeScript", "ts", &second.1),
                ("Python", "python", &third.1),
            ]);
            return length + second.2 + third.2;
        }
        self.raw(pre(&language, &text));
        length
    }

    fn tabbed(&mut self, samples: &[(&str, &str, &str)]) {
        self.tabs += 1;
        let group = self.tabs;
        let mut text = String::from("<div class=\"tabs\">");
        for (place, (name, ..)) in (1..).zip(samples) {
            let checked = if place == 1 { " checked" } else { "" };
            text.push_str(&format!(
                r#"<input type="radio" name="tabs-{group}" id="tabs-{group}-{place}"{checked}><label for="tabs-{group}-{place}">{name}</label>"#
            ));
        }
        for (_, language, sample) in samples {
            text.push_str(&format!("<div class=\"panel\">{}</div>", pre(language, sample)));
        }
        text.push_str("</div>\n");
        self.raw(text);
    }
}

fn is_method(word: &str) -> bool {
    ["GET", "POST", "PATCH", "DELETE"].contains(&word)
}

/// The events after the one at `at`, to the end of what begins there.
fn between<'e, 'm>(events: &'e [Event<'m>], at: usize, is_end: fn(&TagEnd) -> bool) -> &'e [Event<'m>] {
    let rest = events.get(at + 1..).unwrap_or_default();
    let end =
        rest.iter().position(|event| matches!(event, Event::End(end) if is_end(end))).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// The block of code at `at`: its language, its text, how many events it is. Nothing where there is none.
fn block(events: &[Event<'_>], at: usize) -> (String, String, usize) {
    let Some(Event::Start(Tag::CodeBlock(kind))) = events.get(at) else { return Default::default() };
    let language = match kind {
        CodeBlockKind::Fenced(language) => language.to_string(),
        CodeBlockKind::Indented => String::new(),
    };
    let inner = between(events, at, |end| matches!(end, TagEnd::CodeBlock));
    let text = inner
        .iter()
        .filter_map(|event| if let Event::Text(text) = event { Some(text.as_ref()) } else { None });
    (language, text.collect(), inner.len() + 2)
}

fn pre(language: &str, text: &str) -> String {
    format!(
        "<pre tabindex=\"0\"><code class=\"language-{}\">{}</code></pre>\n",
        escape(language),
        escape(text)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_tables_and_samples_have_their_form() {
        let text = "## Integration Summary\n\n| A | B |\n| --- | --- |\n| 1 | 2 |\n\n# Deals\n\nLast updated: March 2026\n\n### GET /deals/{deal_id}\n\n#### Part\n\n| C |\n| --- |\n| 3 |\n\n```sh\na <b>\n```\n```ts\nb\n```\n```python\nc\n```\n\n## NOT_FOUND\n\nx\n\n```json\n{}\n```\n";
        let (html, entries) = render(text);
        let ids: Vec<(&str, u8)> = entries.iter().map(|entry| (entry.id.as_str(), entry.level)).collect();
        assert_eq!(ids, [("integration-summary", 2), ("get-deals-deal_id", 3), ("NOT_FOUND", 2)]);
        for part in [
            "<section class=\"summary\" aria-labelledby=\"integration-summary\">\n<h2 id=\"integration-summary\">",
            "aria-label=\"Integration Summary\"><table><tbody><tr><th scope=\"row\">1</th><td>2</td></tr>\n</tbody></table></div>\n</section>\n",
            "<h1 id=\"deals\">Deals</h1>\n<p class=\"updated\">Last updated: March 2026</p>",
            "<h4>Part</h4>\n<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"GET /deals/{deal_id}: table 1\"><table><thead>",
            "<span class=\"method get\">GET</span> <code>/deals/{deal_id}</code>",
            "id=\"tabs-1-3\"><label for=\"tabs-1-3\">Python</label><div class=\"panel\"><pre tabindex=\"0\"><code class=\"language-sh\">a &lt;b&gt;\n",
            "<pre tabindex=\"0\"><code class=\"language-json\">{}\n</code></pre>",
        ] {
            assert!(html.contains(part), "{part}\nis not in\n{html}");
        }
    }
}
