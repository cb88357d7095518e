//! Clients that generators make of the OpenAPI document: compiled, and a round of calls by each.

mod reading;
mod workshop;

use crate::clients::{folder, libraries, program, succeeds, target};
use crate::support::Server;
use reading::{faults, files_below, never_null};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use workshop::{LONG, batch, npm, openapi_generator, ours, workshop};

/// What each round prints: what its client has sent and read, in the types that were generated.
const ROUND: &str = "\
made 16777217.25
read 16777217.25, to close on 2027-03-31
found 1 made since an hour ago, 0 made an hour from now
changed to 16777217.5
walked over all deals
archived
a key that ends in a day works
rotated: the new secret works, the old one is 401
revoked: 401
";

/// The round of a compiled client against a server of its own.
fn makes_the_round(command: &mut Command) {
    let server = Server::demo(None);
    let said =
        succeeds(command.env("BASE", server.line["url"].as_str().unwrap()).env("KEY", server.admin()), LONG);
    assert_eq!(said, ROUND);
    let mut client = server.client(&server.admin());
    let exact = client.get("/deals?filter[archived]=true&filter[loan_amount]=16777217.5").data(200);
    assert_eq!(exact.as_array().unwrap().len(), 1, "the cents arrive: {exact}");
}

/// The command of Go's module `name`, with the client that has been generated beside it.
fn go(name: &str) {
    let binary = workshop().join("go").join(format!("{name}.round"));
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-o"]).arg(&binary).arg(format!("./cmd/{name}"));
    succeeds(go.env("GOFLAGS", "-mod=readonly").current_dir(workshop().join("go")), LONG);
    makes_the_round(&mut program(binary));
}

/// A generator that Go has built, with its configuration, in the module's folder.
fn go_generator(name: &str) -> Command {
    let mut command = Command::new(target("generators/bin").join(name));
    command.current_dir(workshop().join("go"));
    command
}

#[test]
fn go_by_openapi_generator() {
    openapi_generator("go/openapi");
    go("openapi");
}

#[test]
fn go_by_oapi_codegen() {
    let folder = workshop().join("go/oapi");
    fs::create_dir_all(&folder).unwrap();
    let mut generator = go_generator("oapi-codegen");
    generator.args(["-generate", "types,client", "-package", "oapi", "-o"]).arg(folder.join("client.go"));
    succeeds(generator.arg(workshop().join("openapi-3.0.json")), LONG);
    go("oapi");
}

#[test]
fn go_by_ogen() {
    let mut generator = go_generator("ogen");
    generator.args(["--target", "ogen", "--package", "ogen", "--clean"]);
    succeeds(generator.arg(workshop().join("openapi.json")), LONG);
    go("ogen");
}

/// The round in Java with this generated client.
fn java(client: &Path, library: &str) {
    let classes = client.join("classes");
    let jars = format!("{}/*", target("generators/jars").display());
    let sources = format!(
        "javac -nowarn -proc:none -Xlint:none -encoding UTF-8 -cp '{jars}' -d '{}' $(find '{}' -name '*.java') '{ours}'/Round.java '{ours}'/{library}/*.java",
        classes.display(),
        client.join("src/main/java").display(),
        ours = ours().join("java").display(),
    );
    succeeds(Command::new("sh").args(["-c", &sources]), LONG);
    let mut java = program("java");
    makes_the_round(java.arg("-cp").arg(format!("{}:{jars}", classes.display())).arg("Round"));
}

#[test]
fn java_by_openapi_generator_with_its_default_library() {
    java(&openapi_generator("java"), "okhttp");
}

#[test]
fn python_by_openapi_generator() {
    let client = openapi_generator("python");
    let mut python = program(ours().join(".venv/bin/python"));
    python.args(["-W", "error"]).arg(ours().join("python/openapi_generator.py"));
    makes_the_round(python.env("PYTHONPATH", client).env("PYTHONDONTWRITEBYTECODE", "1"));
}

#[test]
fn python_by_openapi_python_client() {
    let (binaries, client) = (folder(".venv/bin"), workshop().join("python-client"));
    fs::create_dir_all(&client).unwrap();
    // The generator looks for the formatter of its code on the path.
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let mut generator = Command::new(binaries.join("openapi-python-client"));
    generator.args(["generate", "--meta", "none", "--fail-on-warning", "--path"]);
    generator.arg(workshop().join("openapi.json")).arg("--output-path").arg(client.join("lev"));
    succeeds(generator.env("PATH", path), LONG);
    let mut python = program(binaries.join("python"));
    python.args(["-W", "error"]).arg(ours().join("python/openapi_python_client.py"));
    makes_the_round(python.env("PYTHONPATH", client).env("PYTHONDONTWRITEBYTECODE", "1"));
}

#[test]
fn php_by_openapi_generator() {
    let client = openapi_generator("php");
    let root = target("generators/php");
    let mut php = program(root.join("usr/bin/php8.2"));
    let extensions = root.join("usr/lib/php/20220829");
    php.arg("-n").arg("-d").arg(format!("extension_dir={}", extensions.display()));
    for extension in ["curl", "mbstring", "ctype", "tokenizer"] {
        php.arg("-d").arg(format!("extension={extension}"));
    }
    php.arg("-d").arg(format!("include_path={}", root.join("usr/share/php").display()));
    php.arg(ours().join("php/round.php")).arg(client.join("lib"));
    makes_the_round(php.env("LD_LIBRARY_PATH", libraries(&root)));
}

/// The round in TypeScript with the client in `client`, compiled strictly.
fn typescript(client: &Path, round: &str) {
    let project = client.join("tsconfig.json");
    let modules = ours().join("node_modules");
    let settings = serde_json::json!({
        "extends": ours().join("typescript/tsconfig.json"),
        "compilerOptions": { "outDir": "built", "rootDir": ".", "typeRoots": [modules.join("@types")] },
        "include": ["round.ts", "client"],
    });
    fs::write(&project, settings.to_string()).unwrap();
    fs::write(client.join("package.json"), r#"{"type": "module"}"#).unwrap();
    fs::copy(ours().join("typescript").join(round), client.join("round.ts")).unwrap();
    succeeds(npm("typescript/bin/tsc").arg("--project").arg(project), LONG);
    makes_the_round(program("node").arg(client.join("built/round.js")));
}

#[test]
fn typescript_by_openapi_generator_with_fetch() {
    openapi_generator("typescript-fetch");
    typescript(&workshop().join("typescript-fetch"), "fetch.ts");
}

#[test]
fn typescript_by_hey_api() {
    let client = workshop().join("hey-api");
    let mut generator = npm("@hey-api/openapi-ts/bin/run.js");
    generator.arg("--input").arg(workshop().join("openapi.json")).arg("--output").arg(client.join("client"));
    succeeds(&mut generator, LONG);
    typescript(&client, "hey-api.ts");
}

#[test]
fn typescript_by_orval() {
    let client = workshop().join("orval");
    let mut generator = npm("orval/dist/bin/orval.mjs");
    generator.arg("--input").arg(workshop().join("openapi.json")).arg("--output");
    generator.arg(client.join("client/lev.ts")).args(["--client", "fetch"]);
    succeeds(&mut generator, LONG);
    typescript(&client, "orval.ts");
}

#[test]
fn spectral_reports_no_error() {
    let mut spectral = npm("@stoplight/spectral-cli/dist/index.js");
    spectral.args(["lint", "--fail-severity", "error", "--ruleset"]).arg(ours().join("spectral.yaml"));
    succeeds(spectral.args(["openapi.json", "openapi-3.0.json"]), LONG);
}

#[test]
fn redocly_reports_no_error() {
    let mut redocly = npm("@redocly/cli/bin/cli.js");
    redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    succeeds(redocly.args(["lint", "--extends", "recommended", "openapi.json", "openapi-3.0.json"]), LONG);
}

#[test]
#[ignore = "soak: it compiles what few people use"]
fn java_by_openapi_generator_with_its_library_native() {
    soak_generator();
    java(&workshop().join("java-native"), "native");
}

#[test]
#[ignore = "soak: it compiles a hundred libraries"]
fn rust_by_openapi_generator() {
    soak_generator();
    let round = workshop().join("rust-round");
    succeeds(Command::new("cp").arg("-r").arg(ours().join("rust")).arg(&round), LONG);
    let target = target("generators/rust");
    let mut cargo = Command::new(env!("CARGO"));
    succeeds(cargo.args(["build", "--locked", "--target-dir"]).arg(&target).current_dir(&round), LONG);
    makes_the_round(&mut program(target.join("debug/round")));
}

/// The clients of the soak by openapi-generator, in one go.
fn soak_generator() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| batch("soak"));
}

/// No compiler of theirs is at hand, so their text is read for the faults that broke other clients.
#[test]
#[ignore = "soak: nothing of it is run"]
fn csharp_kotlin_and_swift_are_free_of_known_faults() {
    batch("read");
    for (client, extension) in [("csharp", "cs"), ("kotlin", "kt"), ("swift", "swift")] {
        let files = files_below(&workshop().join(client), extension);
        let found: Vec<String> = files.iter().flat_map(|file| faults(file)).collect();
        assert!(found.is_empty(), "{client}: {found:#?}");
        assert!(files.len() > 80, "{client}: {} files", files.len());
        let secret =
            files.iter().find(|file| file.file_stem().is_some_and(|name| name == "ApiKeyWithSecret"));
        assert!(secret.is_some_and(|file| names_a_secret(file)), "{client}: the secret reaches the program");
        let class = fs::read_to_string(secret.unwrap()).unwrap();
        assert_eq!(never_null(&class), [""; 0], "{client}: these members can be null");
    }
}

/// Whether a class has the members of a key that is shown.
fn names_a_secret(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap().to_lowercase();
    ["apikey", "expiresat", "keyprefix"].iter().all(|member| text.contains(member))
}
