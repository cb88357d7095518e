//! What the generators' gate needs: openapi-generator and the jars of its clients, the generators that Go builds, and Debian's PHP.

use crate::command::{Outcome, run};
use crate::{debian, maven};
use std::path::Path;
use std::process::Command;

/// PHP with what the client that openapi-generator makes asks for, Guzzle and its parts among it.
const PHP: &[&str] = &[
    "php8.2-cli",
    "php8.2-common",
    "php8.2-curl",
    "php8.2-mbstring",
    "libargon2-1",
    "libsodium23",
    "libonig5",
    "libcurl4",
    "libxml2",
    "libicu72",
    "libedit2",
    "libbsd0",
    "libmd0",
    "php-guzzlehttp-guzzle",
    "php-guzzlehttp-promises",
    "php-guzzlehttp-psr7",
    "php-psr-http-client",
    "php-psr-http-factory",
    "php-psr-http-message",
    "php-symfony-deprecation-contracts",
    "php-getallheaders",
];

/// The generators that Go builds, from the versions and hashes in `tests/clients/generators/go`.
const GO: [&str; 2] =
    ["github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen", "github.com/ogen-go/ogen/cmd/ogen"];

/// Brings all of it, unless it is there.
pub(crate) fn ensure(root: &Path) -> Outcome {
    let (ours, target) = (root.join("tests/clients/generators"), root.join("target/generators"));
    maven::jars(&ours.join("java"), &target.join("jars"))?;
    debian::unpack(&target.join("php"), PHP)?;
    let mut go = Command::new("go");
    go.current_dir(ours.join("go")).env("GOFLAGS", "-mod=readonly -trimpath");
    run(go.arg("build").arg("-o").arg(target.join("bin/")).args(GO))
}
