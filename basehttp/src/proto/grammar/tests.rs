use proptest::prelude::*;

use super::*;

/// The bytes of a class, spelled out.
fn members(class: fn(u8) -> bool) -> Vec<u8> {
    (0..=u8::MAX).filter(|&byte| class(byte)).collect()
}

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn sorted(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.sort_unstable();
    bytes
}

#[test]
fn token() {
    assert_eq!(members(is_token), sorted(&[ALPHANUMERIC, b"!#$%&'*+-.^_`|~"]));
}

#[test]
fn target() {
    let bytes: Vec<u8> = (0x21..=0x7e).chain(0x80..=0xff).collect();
    assert_eq!(members(is_target), bytes);
}

#[test]
fn field_text() {
    let bytes: Vec<u8> = [b'\t'].into_iter().chain(0x20..=0x7e).chain(0x80..=0xff).collect();
    assert_eq!(members(is_field_text), bytes);
}

#[test]
fn reg_name() {
    assert_eq!(members(is_reg_name), sorted(&[ALPHANUMERIC, b"-._~", b"!$&'()*+,;="]));
}

#[test]
fn blank() {
    assert_eq!(members(is_blank), b"\t ");
}

#[test]
fn digits() {
    assert_eq!(members(|byte| digit_value(byte).is_some()), b"0123456789");
    assert_eq!(members(|byte| hex_value(byte).is_some()), b"0123456789ABCDEFabcdef");
    let values: Vec<_> = b"0123456789abcdefABCDEF".iter().map(|&byte| hex_value(byte).unwrap()).collect();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 10, 11, 12, 13, 14, 15]);
    assert!((0..=9).all(|value| digit_value(b'0' + value) == Some(value)));
}

#[test]
fn decimal_numbers() {
    assert_eq!(decimal(b"0"), Some(0));
    assert_eq!(decimal(b"007"), Some(7));
    assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
    for bad in
        [&b""[..], b"+5", b"-5", b" 5", b"5 ", b"5_0", b"0x5", b"18446744073709551616", b"\xb2", b"\x0b5"]
    {
        assert_eq!(decimal(bad), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn hexadecimal_numbers() {
    assert_eq!(hexadecimal(b"0"), Some(0));
    assert_eq!(hexadecimal(b"1fF"), Some(0x1ff));
    assert_eq!(hexadecimal(b"ffffffffffffffff"), Some(u64::MAX));
    for bad in [&b""[..], b"+5", b"-5", b" 5", b"5 ", b"0x5", b"g", b"10000000000000000"] {
        assert_eq!(hexadecimal(bad), None, "{}", bad.escape_ascii());
    }
}

#[test]
fn blanks_are_trimmed_and_nothing_else() {
    assert_eq!(trim_blanks(b" \t a b \t"), b"a b");
    assert_eq!(trim_blanks(b"\x0ba\x0c"), b"\x0ba\x0c");
    assert_eq!(trim_blanks(b"\xa0a\r"), b"\xa0a\r");
    assert_eq!(trim_blanks(b" \t "), b"");
}

#[test]
fn list_elements() {
    let elements = |value| list(value).collect::<Vec<_>>();
    assert_eq!(elements(b"a"), [b"a"]);
    assert_eq!(elements(b" a ,\tb,c"), [b"a", b"b", b"c"]);
    assert_eq!(elements(b",a, ,"), [&b""[..], b"a", b"", b""]);
    assert_eq!(elements(b""), [b""]);
}

proptest! {
    /// Reading eight bytes or one at a time gives the same answer, wherever the byte that ends the run is.
    #[test]
    fn runs_end_where_the_class_does(
        mut bytes in prop::collection::vec(prop_oneof![b'a'..=b'z', 0x80..=0xff_u8, Just(b'\t'), Just(b' ')], 0..40),
        at in 0..40_usize,
        byte in any::<u8>(),
    ) {
        if at < bytes.len() {
            bytes[at] = byte;
        }
        for (len, class) in [
            (token_len as fn(&[u8]) -> usize, is_token as fn(u8) -> bool),
            (reg_name_len, is_reg_name),
            (target_len, is_target),
            (field_text_len, is_field_text),
        ] {
            prop_assert_eq!(len(&bytes), bytes.iter().take_while(|&&byte| class(byte)).count());
        }
    }
}

#[test]
fn line_feeds_are_found_at_every_place() {
    // Differs from it by one bit, by one, or is its complement, before and after.
    for filler in [0, b'\x09', b'\x0b', b'\x8a', b'\x1a', b'\r', b'a', 0xf5, 0xff] {
        for len in 0..70 {
            let mut bytes = vec![filler; len];
            assert_eq!(line_feed(&bytes), None, "{filler:#x} {len}");
            for at in (0..len).rev() {
                bytes[at] = b'\n';
                assert_eq!(line_feed(&bytes), Some(at), "{filler:#x} {len} {at}");
            }
        }
    }
}

/// The lengths around which reading eight bytes at a time could go wrong.
const LENGTHS: [usize; 9] = [0, 1, 7, 8, 9, 15, 16, 17, 25];

#[test]
fn runs_end_at_every_place_and_at_every_byte() {
    let words: [&[u8]; 2] = [b"a", b"x\t\xe4 ~\t"];
    for (len_of, class) in [
        (token_len as fn(&[u8]) -> usize, is_token as fn(u8) -> bool),
        (reg_name_len, is_reg_name),
        (target_len, is_target),
        (field_text_len, is_field_text),
    ] {
        for (word, len) in words.into_iter().flat_map(|word| LENGTHS.map(|len| (word, len))) {
            let filler: Vec<u8> = word.iter().copied().cycle().take(len).collect();
            let whole = filler.iter().take_while(|&&byte| class(byte)).count();
            assert_eq!(len_of(&filler), whole);
            for (at, byte) in (0..len).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
                let mut bytes = filler.clone();
                bytes[at] = byte;
                let wanted = bytes.iter().take_while(|&&byte| class(byte)).count();
                assert_eq!(len_of(&bytes), wanted, "{}", bytes.escape_ascii());
            }
        }
    }
}

#[test]
fn plain_text_is_visible_ascii_and_spaces() {
    for len in LENGTHS {
        assert!(is_plain_text(&vec![b'~'; len]));
        for (at, byte) in (0..len).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
            let mut bytes = vec![b' '; len];
            bytes[at] = byte;
            assert_eq!(is_plain_text(&bytes), matches!(byte, b' '..=b'~'), "{}", bytes.escape_ascii());
        }
        // Two of them do not cancel each other.
        for (one, other) in (0..len).flat_map(|one| (0..one).map(move |other| (one, other))) {
            for byte in [b'\0', b'\x1f', b'\x7f', b'\x80', b'\xff'] {
                let mut bytes = vec![b'a'; len];
                (bytes[one], bytes[other]) = (byte, byte);
                assert!(!is_plain_text(&bytes), "{}", bytes.escape_ascii());
            }
        }
    }
}

#[test]
fn token_texts() {
    assert!(!is_token_text(b""));
    for byte in 0..=u8::MAX {
        for text in [vec![byte], vec![b'a', byte], vec![byte, b'a', b'b']] {
            assert_eq!(is_token_text(&text), is_token(byte), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn percent_encodings() {
    for (encoded, decoded) in [
        (&b""[..], &b""[..]),
        (b"a+b", b"a+b"),
        (b"%41%5a%7A", b"AZz"),
        (b"%00%fF%0f%f0", b"\0\xff\x0f\xf0"),
        (b"a+b%20c+", b"a+b c+"),
        (b"%%41%4%4g%g4%", b"%A%4%4g%g4%"),
        (b"%2541", b"%41"),
        (b"%4", b"%4"),
    ] {
        assert_eq!(percent_decoded(encoded), decoded, "{}", encoded.escape_ascii());
        let form: Vec<u8> = decoded_bytes(encoded, b' ').collect();
        let unencoded = encoded.split(|byte| *byte == b'+').map(percent_decoded).collect::<Vec<_>>();
        assert_eq!(form, unencoded.join(&b' '), "{}", encoded.escape_ascii());
    }
    assert!(matches!(percent_decoded(b"a+b"), Cow::Borrowed(_)), "there is nothing to decode");
}
