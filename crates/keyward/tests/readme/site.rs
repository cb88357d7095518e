//! The pages that the program serves, and the OpenAPI document, in the hands of others: every line of shell on the pages is run,
//! every sample in its three languages, clients are generated from the document, schemathesis attacks by it, and a browser opens
//! every page.

use crate::page::Page;
use crate::programs::{self, KEYWARD, Running, Shown, ended_within, output, program, program_in};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const PAGES: [&str; 13] = [
    "index",
    "platform",
    "getting-started",
    "authentication",
    "mcp-setup",
    "account",
    "api-keys",
    "deals",
    "pipelines",
    "pagination",
    "filtering",
    "rate-limits",
    "errors",
];

/// Limits that do not end a run of thousands of requests.
const UNLIMITED: [(&str, &str); 6] = [
    ("KEYWARD_LIMITS_FAILED_AUTH_PER_MINUTE", "unlimited"),
    ("KEYWARD_LIMITS_VALIDATE_PER_MINUTE", "100000"),
    ("KEYWARD_LIMITS_HEALTH_PER_MINUTE", "100000"),
    ("KEYWARD_LIMITS_TIERS_ENTERPRISE_READS", "unlimited"),
    ("KEYWARD_LIMITS_TIERS_ENTERPRISE_WRITES", "unlimited"),
    ("KEYWARD_LIMITS_TIERS_ENTERPRISE_KEYS", "10000"),
];

/// The refusals that pages show on purpose, by a line that asks for them.
const MEANT: [(&str, &str); 1] = [("errors", "VALIDATION_ERROR")];

/// How long a browser, or thousands of requests, may take on a busy machine.
const MINUTES: Duration = Duration::from_secs(3600);

/// A demo with its sample data, and somebody who uses it.
struct Visitor {
    clients: PathBuf,
    folder: TempDir,
    demo: Running,
    url: String,
    /// The key of the admin.
    key: String,
}

impl Visitor {
    fn comes(settings: &[(&str, &str)]) -> Self {
        let clients = programs::clients();
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(KEYWARD);
        command.args(["demo", "--listen", "127.0.0.1:0", "--json"]).env("TMPDIR", folder.path());
        command.envs(settings.iter().copied());
        let demo = Running::start(command, Shown::Stdout);
        let sample: Value = serde_json::from_str(&demo.lines(1)).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            clients,
            folder,
            demo,
            url: text(&sample["url"]),
            key: text(&sample["api_keys"][0]["api_key"]),
        }
    }

    /// A program with `KEY` and `API` set, as the pages say.
    fn program(&self, name: impl AsRef<Path>) -> std::process::Command {
        let api = format!("{}/api/external/v2", self.url);
        let variables = BTreeMap::from([("KEY".to_owned(), self.key.clone()), ("API".to_owned(), api)]);
        program_in(self.folder.path(), &variables, name)
    }

    /// One of our scripts around other people's clients, with the server and the key as its arguments.
    fn script(&self, name: &str, more: &[&str]) -> String {
        let mut script = self.program("sh");
        script.arg(self.clients.join(name)).args([&self.url, &self.key]).args(more);
        let ended = ended_within(script, MINUTES);
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "{name}: {told}\n{}", String::from_utf8_lossy(&ended.stderr));
        told
    }

    fn goes(self) {
        assert_eq!(self.demo.stop(), [""; 0]);
    }
}

/// A reader who goes through each page from top to bottom. What a page tells to be changed is changed on the way.
#[test]
fn every_line_of_shell_on_the_pages_works() {
    let visitor = Visitor::comes(&[]);
    let mut refused = BTreeSet::new();
    for name in PAGES {
        let mut fetch = visitor.program("curl");
        fetch.args([
            "-s",
            "-f",
            &format!(
                "{}/{}{name}.md",
                visitor.url,
                if name == "index" || name == "platform" { "" } else { "platform/" }
            ),
        ]);
        let page = Page { name: format!("{name}.md"), text: output(fetch) };
        for block in page.blocks().iter().filter(|block| block.info == "sh") {
            let mut shell = visitor.program("bash");
            shell.args(["-euo", "pipefail", "-c", &block.text]);
            for told in output(shell).split("\"code\":\"").skip(1) {
                refused.insert((name, told.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let refused: Vec<(&str, &str)> = refused.iter().map(|(page, code)| (*page, code.as_str())).collect();
    assert_eq!(refused, MEANT);
    visitor.goes();
}

/// The three of a sample say the same, but for those that print the answer as it came.
#[test]
fn every_sample_runs_in_its_three_languages() {
    let visitor = Visitor::comes(&[]);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages/samples");
    let folder = visitor.folder.path().join("ts");
    let config = json!({
        "extends": visitor.clients.join("tsconfig.json"),
        "compilerOptions": {
            "rootDir": ".",
            "outDir": "build",
            "typeRoots": [visitor.clients.join("node_modules/@types")],
        },
        "include": ["*.ts"],
    });
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("package.json"), json!({ "type": "module" }).to_string()).unwrap();
    fs::write(folder.join("tsconfig.json"), config.to_string()).unwrap();
    let names = ["first", "validate", "crawl", "retry", "change"];
    for name in names {
        fs::copy(samples.join(format!("{name}.ts")), folder.join(format!("{name}.ts"))).unwrap();
    }
    let mut compile = program("node");
    compile.arg(visitor.clients.join("node_modules/typescript/bin/tsc")).current_dir(&folder);
    assert_eq!(output(compile), "");
    for name in names {
        let run = |program: &dyn AsRef<Path>, file: PathBuf| {
            let mut command = visitor.program(program);
            command.arg(file);
            output(command)
        };
        let typescript = run(&"node", folder.join("build").join(format!("{name}.js")));
        let python = run(&visitor.clients.join(".venv/bin/python"), samples.join(format!("{name}.py")));
        assert_eq!(typescript, python, "{name}");
        assert!(!python.trim().is_empty(), "{name} says something");
        let shell = run(&"sh", samples.join(format!("{name}.sh")));
        match name {
            "first" | "retry" => assert!(shell.contains("100 Alder Street Apartments"), "{name}: {shell}"),
            _ => assert_eq!(shell, python, "{name}"),
        }
    }
    for starter in ["validate-key", "me", "list-keys", "list-deals", "list-pipelines"] {
        let mut shell = visitor.program("sh");
        shell.arg(samples.join(format!("{starter}.sh")));
        let answer: Value = serde_json::from_str(&output(shell)).unwrap();
        assert!(answer.get("data").is_some(), "{starter}: {answer}");
    }
    visitor.goes();
}

/// By the schema that the OpenAPI Initiative publishes, the schemas inside the document included.
#[test]
fn the_document_is_openapi_3_1() {
    let visitor = Visitor::comes(&[]);
    let mut validate = visitor.program("node");
    validate.arg(visitor.clients.join("schema/validate.mjs")).arg(&visitor.url);
    assert_eq!(output(validate), "OpenAPI 3.1.0: 19 paths, no fault\nOpenAPI 3.0.3: 19 paths, no fault\n");
    visitor.goes();
}

#[test]
fn clients_are_generated_from_the_document_and_fetch_deals() {
    let visitor = Visitor::comes(&[]);
    for script in ["schema/run-typescript.sh", "schema/run-python.sh"] {
        assert_eq!(visitor.script(script, &[]), "100 Alder Street Apartments\n", "{script}");
    }
    visitor.goes();
}

/// All phases, all checks, bounded: a few thousand requests. `cargo xtask soak schema` sets more examples, and another seed.
#[test]
fn schemathesis_finds_nothing() {
    let visitor = Visitor::comes(&UNLIMITED);
    let set = |name: &str, else_: &str| std::env::var(name).unwrap_or_else(|_| else_.to_owned());
    let (examples, seed) = (set("SOAK_EXAMPLES", "10"), set("SOAK_SEED", "1"));
    let told = visitor.script("schema/run-schemathesis.sh", &[&examples, &seed]);
    let counted = told.lines().find(|line| line.contains("generated,")).unwrap_or_default();
    println!("seed {seed}: {}", counted.trim());
    assert!(told.contains("No issues found"), "{told}");
    visitor.goes();
}

#[test]
fn a_browser_opens_every_page_and_uses_the_explorer() {
    let visitor = Visitor::comes(&[]);
    let mut browser = visitor.program("node");
    browser
        .arg(visitor.clients.join("pages.mjs"))
        .args([&visitor.url, &visitor.key])
        .arg(visitor.folder.path().join("shots"));
    let ended = ended_within(browser, MINUTES);
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    let summary: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&summary["pages"], &summary["axe_violations"], &summary["failures"]),
        (&json!(PAGES.len()), &json!(0), &json!(0)),
        "{told}"
    );
    visitor.goes();
}
