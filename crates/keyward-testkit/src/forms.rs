//! The forms of a page, as a browser would send them.
#![expect(clippy::panic, reason = "a page without its form must end the test")]

/// Names and values.
pub type Fields = Vec<(String, String)>;

/// The names and values of a literal.
#[must_use]
pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Its hidden fields, and what was filled in.
    pub hidden: Fields,
}

impl Form {
    /// With this value filled in.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut form = self.clone();
        form.hidden.retain(|(own, _)| own != name);
        form.hidden.push((name.to_owned(), value.to_owned()));
        form
    }

    /// The value of a field; empty, if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.hidden.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let text = tag.get(start..)?.split('"').next()?;
    let plain = [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    Some(plain.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)))
}

/// Every form of a page.
#[must_use]
pub fn forms(page: &str) -> Vec<Form> {
    page.split("<form")
        .skip(1)
        .map(|part| {
            let body = part.split("</form>").next().unwrap_or_default();
            let tag = format!(" {}", body.split('>').next().unwrap_or_default());
            let inputs = body
                .split("<input")
                .skip(1)
                .map(|input| format!(" {}", input.split('>').next().unwrap_or_default()));
            let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
            Form {
                action: attribute(&tag, "action").unwrap_or_default(),
                hidden: hidden
                    .map(|input| {
                        (
                            attribute(&input, "name").unwrap_or_default(),
                            attribute(&input, "value").unwrap_or_default(),
                        )
                    })
                    .collect(),
            }
        })
        .collect()
}

/// The first form of a page that is sent there. A page without one ends the test.
#[must_use]
pub fn form_to(page: &str, action: &str) -> Form {
    forms(page)
        .into_iter()
        .find(|form| form.action == action)
        .unwrap_or_else(|| panic!("no form to {action}: {page}"))
}
