use super::*;

#[test]
fn a_member_stands_once_at_every_depth_however_it_is_written() {
    for bad in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"{"x":[[{"a":1,"b":2,"a":2}]]}"#,
        r#"{"a":1}{"#,
        r#"{"a":1},"#,
        r#"[{"a":1}]"#,
        r#""a""#,
        "null",
        "",
        r#"{"a":1e400}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":01}"#,
        r#"{a:1}"#,
        "{\"a\":\"\u{1}\"}",
    ] {
        assert_eq!(Object::parse(bad.as_bytes()).err(), Some(Wrong), "{bad}");
    }
    assert!(Object::parse(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(Object::parse(deep.as_bytes()).is_err(), "too deep");
    let many: Vec<String> = (0..=MOST).map(|n| format!("\"m{n}\":0")).collect();
    assert!(Object::parse(format!("{{{}}}", many.join(",")).as_bytes()).is_err(), "too many");
    assert!(Object::parse(format!("{{{}}}", many[..MOST].join(",")).as_bytes()).is_ok());
}

#[test]
fn a_member_of_the_wrong_type_is_no_absent_one() {
    let text = br#"{"t":"x","n":7,"z":0,"f":1.0,"e":1e3,"m":-1,"big":18446744073709551616,"nul":null,"b":true,"l":["a","b"],
                    "mixed":["a",1],"o":{}}"#;
    let object = Object::parse(text).unwrap();
    assert_eq!(object.text("t").unwrap().as_deref(), Some("x"));
    assert_eq!(object.text("absent"), Ok(None));
    for wrong in ["n", "nul", "b", "l", "o"] {
        assert_eq!(object.text(wrong), Err(Wrong), "{wrong}");
    }
    assert_eq!((object.whole("n"), object.whole("z")), (Ok(Some(7)), Ok(Some(0))));
    for wrong in ["t", "f", "e", "m", "big", "nul", "b", "l", "o"] {
        assert_eq!(object.whole(wrong), Err(Wrong), "{wrong}");
    }
    assert_eq!(object.flag("b"), Ok(Some(true)));
    for wrong in ["t", "n", "nul", "l", "o"] {
        assert_eq!(object.flag(wrong), Err(Wrong), "{wrong}");
    }
    let texts = |name| object.text_or_texts(name).map(|texts| texts.map(|texts| texts.len()));
    assert_eq!((texts("l"), texts("t")), (Ok(Some(2)), Ok(Some(1))));
    for wrong in ["mixed", "nul", "n", "o"] {
        assert_eq!(texts(wrong), Err(Wrong), "{wrong}");
    }
}

#[test]
fn yes_and_no_are_taken_as_issuers_write_them_and_nothing_else_is() {
    for (text, flag) in [
        ("true", Ok(Some(true))),
        ("\"true\"", Ok(Some(true))),
        ("\"True\"", Ok(Some(true))),
        ("\"1\"", Ok(Some(true))),
        ("false", Ok(Some(false))),
        ("\"FALSE\"", Ok(Some(false))),
        ("\"0\"", Ok(Some(false))),
        ("1", Err(Wrong)),
        ("0", Err(Wrong)),
        ("\"yes\"", Err(Wrong)),
        ("\"\"", Err(Wrong)),
        ("\" true\"", Err(Wrong)),
        ("null", Err(Wrong)),
        ("[true]", Err(Wrong)),
    ] {
        let json = format!("{{\"a\":{text}}}");
        assert_eq!(Object::parse(json.as_bytes()).unwrap().flag("a"), flag, "{text}");
    }
}

#[test]
fn a_pointer_names_a_member_within_and_other_names_are_taken_to_the_letter() {
    let text =
        br#"{"ext":{"email":"a","":"empty","a/b":"slash","m~n":"tilde","x":{"y":"z"}},"ext.email":"dots",
                    "https://x.example/email":"url","n":1,"l":[{"email":"b"}],"nul":null}"#;
    let object = Object::parse(text).unwrap();
    for (name, found) in [
        ("/ext/email", "a"),
        ("/ext/", "empty"),
        ("/ext/a~1b", "slash"),
        ("/ext/m~0n", "tilde"),
        ("/ext/x/y", "z"),
        ("ext.email", "dots"),
        ("https://x.example/email", "url"),
        ("/ext.email", "dots"),
    ] {
        assert_eq!(object.text(name).unwrap().as_deref(), Some(found), "{name}");
    }
    for absent in ["/absent/email", "/ext/absent", "/ext/x/absent", "ext/email", "/"] {
        assert_eq!((object.text(absent), object.has(absent)), (Ok(None), false), "{absent}");
    }
    for wrong in ["/n/email", "/l/0/email", "/nul/email", "/ext/email/x"] {
        assert_eq!((object.text(wrong), object.has(wrong)), (Err(Wrong), true), "{wrong}");
    }
}
