//! What a stranger is told.

use crate::support::{parts, run};

#[test]
fn every_command_explains_itself_and_its_exit_codes() {
    for command in ["serve", "listen", "publish", "probe", "decode", "encode"] {
        let (code, help, errors) = parts(&run(&[command, "--help"], b""));
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{command}");
        assert!(help.contains("Exit codes: 0"), "{command} does not say how it exits:\n{help}");
        assert!(help.contains(&format!("Usage: tidings {command}")), "{help}");
    }
    let (code, help, _) = parts(&run(&["--help"], b""));
    assert_eq!(code, Some(0));
    assert!(help.contains("tidings serve --store memory: --insecure-anyone"), "{help}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in
        [&[][..], &["nonsense"], &["decode", "--chunk", "0"], &["listen"], &["probe", "http://127.0.0.1:1/"]]
    {
        let (code, out, errors) = parts(&run(arguments, b""));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!errors.is_empty(), "{arguments:?}");
    }
}
