//! A browser: keeps its cookies, reads forms, signs in.

use super::http::{Answer, Client, Cut, Way};
use keyward_testkit::forms::{Form, forms};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use url::form_urlencoded;

pub(crate) struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) const fn new(way: Way, from: Ipv4Addr) -> Self {
        Self { client: Client::new(way, from), cookies: BTreeMap::new() }
    }

    /// Goes on from another address, as a laptop does.
    pub(crate) fn move_to(&mut self, from: Ipv4Addr) {
        self.client.move_to(from);
    }

    /// Forgets that it is signed in, and nothing else.
    pub(crate) fn end_session(&mut self) {
        self.cookies.retain(|name, _| !name.ends_with("keyward_session"));
    }

    /// The value of the Cookie header.
    pub(crate) fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn go(&mut self, line: &str, body: Option<&str>) -> Result<Answer, Cut> {
        let cookie = self.cookie();
        let mut request = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n");
        if !cookie.is_empty() {
            request.push_str(&format!("Cookie: {cookie}\r\n"));
        }
        match body {
            Some(body) => request.push_str(&format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )),
            None => request.push_str("\r\n"),
        }
        let answer = self.client.ask(request.as_bytes()).await?;
        for line in answer.all("set-cookie") {
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    pub(crate) async fn page(&mut self, path: &str) -> Result<Answer, Cut> {
        self.go(&format!("GET {path}"), None).await
    }

    pub(crate) async fn send(&mut self, form: &Form) -> Result<Answer, Cut> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.hidden).finish();
        self.go(&format!("POST {}", form.action), Some(&body)).await
    }

    /// Tries to sign in: the answer to the form, or that of the page if it has none.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Result<Answer, Cut> {
        let page = self.page("/sign-in?next=/console").await?;
        match forms(&page.text()).into_iter().find(|form| form.action == "/sign-in") {
            Some(form) => self.send(&form.with("email", email).with("password", password)).await,
            None => Ok(page),
        }
    }
}
