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
