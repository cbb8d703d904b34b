use super::*;

const SALT: [u8; SALT_BYTES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Made by the reference C implementation (argon2-cffi 25.1) with [`SALT`] and these parameters.
const OURS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
const OURS_PASSWORD: &str = "correct horse battery staple";

/// A password and a hash of it that some other program made.
const KNOWN: &[(&str, &str)] = &[
    // The reference C implementation through argon2-cffi 25.1.
    ("pässword", "$argon2i$v=16$m=256,t=3,p=4$c29tZXNhbHQ$Jz7V89noLp72LWJOruvp2O8XT3mRLcUp"),
    ("pässword", "$argon2i$v=19$m=256,t=3,p=4$c29tZXNhbHQ$dHtzp4Ul/LuLosfWk4ZG+KAjVKUa+y2c"),
    ("pässword", "$argon2d$v=16$m=256,t=3,p=4$c29tZXNhbHQ$SJ8jJ/0hOQnd2x4q2vtW5lYAF5SkFkvS"),
    ("pässword", "$argon2d$v=19$m=256,t=3,p=4$c29tZXNhbHQ$dOudo4lotypL5VirRC92Zl9OQhaJ4jxA"),
    ("pässword", "$argon2id$v=16$m=256,t=3,p=4$c29tZXNhbHQ$WXO9PyZ2dSq26OqjSbNAH13Ek2Npte12"),
    ("pässword", "$argon2id$v=19$m=256,t=3,p=4$c29tZXNhbHQ$/IBHPJZzE+ZDawacgTxW2BRYJ/aN5rhZ"),
    // The first again, as strings from before versions were written.
    ("pässword", "$argon2i$m=256,t=3,p=4$c29tZXNhbHQ$Jz7V89noLp72LWJOruvp2O8XT3mRLcUp"),
    // More memory than a thread keeps.
    ("pw", "$argon2id$v=19$m=32768,t=1,p=2$c2FsdHNhbHQ$zgc+Tailr/vvD57oslkxBFd+noTTHkaRQOHQ5jMU774"),
    // Python's bcrypt 5.0, then libxcrypt's through Python's crypt.
    ("pässword", "$2a$05$UM2Lb7TyeAAYgY6lBW25ZezMDggUmv0HHMiX4EirdV/i5RjsGAuMG"),
    ("pässword", "$2b$05$P7G/8PV2hRHOvTdJzpLmkesoKP1O/ZlfTiogTN8VAHpCPtv3HsTVS"),
    ("U*U", "$2a$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW"),
    ("", "$2b$05$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"),
    ("£5 für mich", "$2y$05$abcdefghijklmnopqrstuu1MRaDazsQX9Y7dyZkdvYK1vvw6FpUTa"),
    // The same password through crypt_blowfish's old fault, which matters from 128 up only.
    ("£5 für mich", "$2x$05$abcdefghijklmnopqrstuuiJqzRYDF9FTJNmOV7.g2ULSnLZGDnNi"),
    ("U*U", "$2x$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW"),
    // A salt whose last letter has stray bits, as some generators leave them.
    ("U*U", "$2a$05$abcdefghijklmnopqrstuvMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW"),
    // RFC 7914, section 12.
    (
        "password",
        "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
    ),
    (
        "pleaseletmein",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw",
    ),
    // passlib 1.7.4.
    ("lètmein", "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$nkIet0OzGMHuENHap6UFxONPfEj6uZM2wVm4aOG0d54"),
    // RFC 7914, section 11.
    (
        "passwd",
        "$pbkdf2-sha256$i=1,l=64$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw",
    ),
    (
        "Password",
        "$pbkdf2-sha256$i=80000$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ",
    ),
    // Python's hashlib; the second is what Django stores.
    (
        "password",
        "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$x05AgND7tB/uWGjA/2D9dayuJjghWYfl/1T46uIRM5ta0a9uOHvBLdOnC7blqQEIFBxfCONToumEQ5pDM8Qtbg",
    ),
    ("lètmein", "pbkdf2_sha256$10000$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY="),
    // passlib 1.7.4.
    ("lètmein", "$pbkdf2-sha256$1000$././AAECAwQFBgcICQoLDA0ODw$Ivq29gaNCMwFBjcNiupK2zbPYKrQ.8m2HQMXxzQlOhQ"),
    (
        "lètmein",
        "$pbkdf2-sha512$1000$././AAECAwQFBgcICQoLDA0ODw$7rLcn6u1VlSeqxdFpmJ1izmD7p8DBaxrIroPxuQCoue7Eob3iIsx62/KUooTKoRpP7J6Vm7CK30uU1qkToHkeg",
    ),
];

fn password(text: &str) -> Password {
    Password::new(text).expect("the test's password is short enough")
}

fn verify(encoded: &str, text: &str) -> Verdict {
    let hash = PasswordHash::parse(encoded).unwrap_or_else(|error| panic!("{encoded}: {error}"));
    assert_eq!(hash.as_str(), encoded);
    hash.verify(&password(text), SALT, &mut Memory::default()).expect("verifying works")
}

#[test]
fn new_hashes_are_what_the_reference_makes() {
    let hash =
        PasswordHash::create(&password(OURS_PASSWORD), SALT, &mut Memory::default()).expect("hashing works");
    assert_eq!(hash.as_str(), OURS);
}

#[test]
fn our_own_hashes_verify_and_need_no_upgrade() {
    assert!(matches!(verify(OURS, OURS_PASSWORD), Verdict::Right { upgrade: None }));
    assert!(matches!(verify(OURS, "correct horse battery stable"), Verdict::Wrong));
}

#[test]
fn every_imported_format_verifies_and_is_upgraded() {
    for (text, encoded) in KNOWN {
        let Verdict::Right { upgrade: Some(upgrade) } = verify(encoded, text) else {
            panic!("{encoded} is a hash of {text:?} and not one of ours");
        };
        let again = verify(upgrade.as_str(), text);
        assert!(matches!(again, Verdict::Right { upgrade: None }), "{encoded}");
        assert!(matches!(verify(encoded, &format!("{text}x")), Verdict::Wrong), "{encoded}");
    }
}

#[test]
fn memory_is_reused_between_hashes_of_all_sizes() {
    let mut memory = Memory::default();
    for (text, encoded) in KNOWN.iter().chain([&(OURS_PASSWORD, OURS)]) {
        let hash = PasswordHash::parse(encoded).expect("a known format");
        let verdict = hash.verify(&password(text), SALT, &mut memory);
        assert!(matches!(verdict, Ok(Verdict::Right { .. })), "{encoded}");
    }
}

#[test]
fn bcrypt_compares_72_bytes_and_upgrades_only_what_it_compared() {
    // libxcrypt, from 80 letters.
    let encoded = "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
    assert!(matches!(verify(encoded, &"x".repeat(71)), Verdict::Wrong));
    assert!(matches!(verify(encoded, &"x".repeat(72)), Verdict::Right { upgrade: Some(_) }));
    assert!(matches!(verify(encoded, &"x".repeat(80)), Verdict::Right { upgrade: None }));
    let other_end = format!("{}y", "x".repeat(72));
    assert!(matches!(verify(encoded, &other_end), Verdict::Right { upgrade: None }));
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let hash = "A".repeat(43);
    for (encoded, expected) in [
        ("".into(), "no known format"),
        ("hunter2".into(), "no known format"),
        ("5f4dcc3b5aa765d61d8327deb882cf99".into(), "no known format"),
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0".into(), "no known format"),
        (format!("{OURS}$"), "no known format"),
        (format!(" {OURS}"), "no known format"),
        (format!("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ${}", "A".repeat(600)), "longer than any"),
        (format!("$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ${hash}"), "version"),
        (format!("$argon2id$v=19$m=8,t=1$c29tZXNhbHQ${hash}"), "missing"),
        (format!("$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ${hash}"), "missing or zero"),
        (format!("$argon2id$v=19$m=8,t=1,p=1,data=AA$c29tZXNhbHQ${hash}"), "not known"),
        (format!("$argon2id$v=19$m=8,t=1,p=2$c29tZXNhbHQ${hash}"), "below 8 KiB"),
        (format!("$argon2id$v=19$m=8,t=1,p=1$c29tZQ${hash}"), "shorter than 8 bytes"),
        (format!("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ=${hash}"), "salt is not base64"),
        ("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA".into(), "16 to 64"),
        ("$2b$5$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW".into(), "bcrypt cost"),
        ("$2b$03$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW".into(), "bcrypt cost"),
        ("$2b$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcK".into(), "letters"),
        ("$2b$05$abcdefghijklmnopqrstuéMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW".into(), "too short"),
        (format!("$pbkdf2-sha256$i=0$c2FsdA${hash}"), "zero"),
        (format!("$pbkdf2-sha256$i=1,l=31$c2FsdA${hash}"), "as long as"),
        (format!("$pbkdf2-sha1$i=1000$c2FsdA${hash}"), "no known format"),
        (format!("pbkdf2_sha256$1000$salt${hash}"), "hash is not base64"),
        (format!("$scrypt$ln=10,r=8,n=1$c2FsdA${hash}"), "not known"),
    ] {
        let error = PasswordHash::parse(&encoded).expect_err(&encoded);
        assert!(error.to_string().contains(expected), "{encoded}: {error}");
    }
}

#[test]
fn costs_that_would_tie_up_the_server_are_refused_from_the_first_step_on() {
    let hash = "A".repeat(43);
    let tail = "abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW";
    let argon2 = |costs: &str| format!("$argon2id$v=19${costs}$c29tZXNhbHQ${hash}");
    let scrypt = |costs: &str| format!("$scrypt${costs}$c2FsdA${hash}");
    let pbkdf2 = |costs: &str| format!("$pbkdf2-sha256${costs}$c2FsdA${hash}");
    for (highest, too_high) in [
        (argon2("m=262144,t=1,p=1"), argon2("m=262145,t=1,p=1")),
        (argon2("m=8,t=64,p=1"), argon2("m=8,t=65,p=1")),
        (argon2("m=1024,t=1,p=16"), argon2("m=1024,t=1,p=17")),
        (argon2("m=262144,t=16,p=1"), argon2("m=262144,t=17,p=1")),
        (format!("$2b$15${tail}"), format!("$2b$16${tail}")),
        (format!("$2b$15${tail}"), format!("$2b$99${tail}")),
        (scrypt("ln=18,r=8,p=4"), scrypt("ln=18,r=9,p=1")),
        (scrypt("ln=18,r=8,p=4"), scrypt("ln=18,r=8,p=5")),
        (scrypt("ln=21,r=1,p=1"), scrypt("ln=22,r=1,p=1")),
        (scrypt("ln=10,r=8,p=16"), scrypt("ln=4294967295,r=4294967295,p=4294967295")),
        (scrypt("ln=10,r=8,p=16"), scrypt("ln=1,r=1,p=4294967295")),
        (pbkdf2("i=10000000"), pbkdf2("i=10000001")),
        (pbkdf2("10000000"), pbkdf2("10000001")),
    ] {
        assert!(PasswordHash::parse(&highest).is_ok(), "{highest}");
        let error = PasswordHash::parse(&too_high).expect_err(&too_high);
        assert!(matches!(error, PasswordError::TooCostly { .. }), "{too_high}: {error}");
    }
    // Two digests' worth of hash count twice.
    let long = format!("$pbkdf2-sha256$i=5000001$c2FsdA${}", "A".repeat(86));
    assert!(matches!(PasswordHash::parse(&long), Err(PasswordError::TooCostly { .. })));
}

#[test]
fn passwords_of_up_to_1024_bytes_are_taken() {
    assert!(Password::new("ä".repeat(512)).is_ok());
    assert_eq!(Password::new("x".repeat(1025)).err(), Some(PasswordError::TooLong));
}

#[test]
fn nothing_secret_is_printed() {
    let hash = PasswordHash::parse(OURS).expect("one of ours");
    let right = Verdict::Right { upgrade: Some(hash.clone()) };
    let printed = format!("{:?} {hash:?} {right:?}", password("hunter2"));
    assert_eq!(printed, "Password(..) PasswordHash(..) Right { upgrade: Some(PasswordHash(..)) }");
}
