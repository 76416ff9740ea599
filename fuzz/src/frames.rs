//! A minimal reader of a client's WebSocket frames: it has all bytes at once, and shares nothing with the crate.

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// A close frame.
    Close(Option<u16>, String),
}

/// Everything that the client sent, and the close code of the error at its end, if there is one.
pub fn read(input: &[u8], most: usize) -> (Vec<Said>, Option<u16>) {
    let mut said = Vec::new();
    let mut message: Option<(bool, Vec<u8>)> = None;
    let mut at = 0;
    loop {
        let byte = |index: usize| input.get(at + index).copied();
        let (Some(first), Some(second)) = (byte(0), byte(1)) else { return (said, None) };
        let (opcode, is_final) = (first & 15, first >= 128);
        if first & 0x70 != 0 || !matches!(opcode, 0..=2 | 8..=10) || second < 128 {
            return (said, Some(1002));
        }
        let extended = [0, 2, 8][usize::from((second & 127).saturating_sub(125))];
        let Some(bytes) = input.get(at + 2..at + 2 + extended) else { return (said, None) };
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let len = if extended == 0 { u64::from(second & 127) } else { number };
        let is_stretched = len < [0, 0, 126, 0, 0, 0, 0, 0, 65536][extended] || len >= 1 << 63;
        if is_stretched || (opcode >= 8 && (!is_final || len > 125)) {
            return (said, Some(1002));
        }
        let start = at + 2 + extended + 4;
        let Some(mask) = input.get(start - 4..start) else { return (said, None) };
        if opcode < 8 && (opcode == 0) != message.is_some() {
            return (said, Some(1002));
        }
        let before = message.as_ref().map_or(0, |(_, bytes)| bytes.len() as u64);
        if opcode < 8 && before.saturating_add(len) > most as u64 {
            return (said, Some(1009));
        }
        let end = usize::try_from(len).ok().and_then(|len| start.checked_add(len)).unwrap_or(usize::MAX);
        let come = &input[start..end.min(input.len())];
        let plain: Vec<u8> = come.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        let is_whole = end <= input.len();
        if opcode >= 8 {
            if !is_whole {
                return (said, None);
            }
            match (opcode, &*plain) {
                (9, _) => said.push(Said::Ping(plain)),
                (10, _) => said.push(Said::Pong),
                (_, []) => said.push(Said::Close(None, String::new())),
                (_, [high, low, reason @ ..]) => {
                    let code = u16::from(*high) << 8 | u16::from(*low);
                    let is_good = (1000..1015).contains(&code) || (3000..5000).contains(&code);
                    if !is_good || (1004..1007).contains(&code) {
                        return (said, Some(1002));
                    }
                    let Ok(reason) = String::from_utf8(reason.to_vec()) else { return (said, Some(1007)) };
                    said.push(Said::Close(Some(code), reason));
                }
                _ => return (said, Some(1002)),
            }
            at = end;
            continue;
        }
        let (is_text, mut bytes) = message.take().unwrap_or((opcode == 1, Vec::new()));
        bytes.extend(plain);
        if is_whole && is_final {
            match String::from_utf8(bytes) {
                Ok(text) if is_text => said.push(Said::Text(text)),
                Ok(bytes) => said.push(Said::Binary(bytes.into_bytes())),
                Err(_) if is_text => return (said, Some(1007)),
                Err(error) => said.push(Said::Binary(error.into_bytes())),
            }
        } else {
            if is_text && std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_some()) {
                return (said, Some(1007));
            }
            message = Some((is_text, bytes));
        }
        if !is_whole {
            return (said, None);
        }
        at = end;
    }
}
