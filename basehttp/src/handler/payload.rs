//! Bytes that are handed over for sending, without a copy and to any number of clients.

use std::fmt;

use crate::sync::Arc;

/// Bytes that are handed over for sending; [`WFile::send_bytes`](crate::WFile::send_bytes) takes them.
///
/// It is made from a `Vec<u8>`, a `String`, a `Box` or an `Arc` of bytes or text, an array of bytes, `'static` bytes or text,
/// or, with the feature `bytes`, a `bytes::Bytes`. Only an array is copied. Clones share the bytes, so a page that is made once can go to a thousand clients.
/// The bytes are freed after the last response has sent them.
///
/// ```
/// use basehttp::Payload;
///
/// let page = Payload::from(format!("<h1>{}</h1>", "Hello"));
/// let another = page.clone();
/// assert_eq!((another.as_bytes(), another.len()), (&b"<h1>Hello</h1>"[..], 14));
/// ```
#[derive(Clone)]
pub struct Payload(Kept);

#[derive(Clone)]
enum Kept {
    Static(&'static [u8]),
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl Payload {
    /// The bytes of `owner`, which must return the same bytes every time. Use it for memory that is recycled on drop, for
    /// example. `owner` is dropped after the last response has sent the bytes.
    ///
    /// The server calls `as_ref` and drops `owner` on its own threads, while the connection is locked. Neither may block,
    /// because other connections wait behind it, and neither may take a lock that a sending thread holds. Instead of a
    /// memory-mapped file, use [`send_file`](crate::WFile::send_file).
    ///
    /// ```
    /// use basehttp::Payload;
    ///
    /// struct Page { text: Box<str> }
    ///
    /// impl AsRef<[u8]> for Page {
    ///     fn as_ref(&self) -> &[u8] {
    ///         self.text.as_bytes()
    ///     }
    /// }
    ///
    /// assert_eq!(Payload::from_owner(Page { text: "Hello".into() }).as_bytes(), b"Hello");
    /// ```
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Kept::Shared(Arc::new(owner)))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Static(bytes) => bytes,
            Kept::Shared(owner) => (**owner).as_ref(),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

#[cfg(feature = "bytes")]
impl From<bytes::Bytes> for Payload {
    fn from(bytes: bytes::Bytes) -> Self {
        Self::from_owner(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_owner(bytes)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::from_owner(text)
    }
}

impl From<Arc<[u8]>> for Payload {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::from_owner(bytes)
    }
}

impl From<Arc<str>> for Payload {
    fn from(text: Arc<str>) -> Self {
        Self::from_owner(Arc::<[u8]>::from(text))
    }
}

impl From<Box<[u8]>> for Payload {
    fn from(bytes: Box<[u8]>) -> Self {
        Self::from_owner(bytes)
    }
}

impl From<Box<str>> for Payload {
    fn from(text: Box<str>) -> Self {
        Self::from_owner(String::from(text))
    }
}

impl<const N: usize> From<[u8; N]> for Payload {
    fn from(bytes: [u8; N]) -> Self {
        Self::from_owner(bytes)
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Kept::Static(bytes))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Payload {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(Kept::Static(bytes))
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self(Kept::Static(text.as_bytes()))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_all_kinds_are_sent_from_where_they_are() {
        let shared: Arc<[u8]> = Arc::from(&b"abc"[..]);
        let vec = b"abc".to_vec();
        let (of_shared, of_vec) = (shared.as_ptr(), vec.as_ptr());
        assert_eq!(Payload::from(shared.clone()).as_bytes().as_ptr(), of_shared);
        let payload = Payload::from(vec);
        assert_eq!((payload.as_bytes().as_ptr(), payload.clone().as_bytes().as_ptr()), (of_vec, of_vec));
        let all =
            ["abc".into(), b"abc".into(), b"abc"[..].into(), "abc".to_owned().into(), payload, shared.into()];
        for payload in all {
            assert_eq!((payload.as_bytes(), payload.len()), (&b"abc"[..], 3), "{payload:?}");
        }
    }

    #[cfg(feature = "bytes")]
    #[test]
    fn those_of_the_crate_bytes_are_not_copied() {
        let bytes = bytes::Bytes::from(vec![b'x'; 10]).slice(2..5);
        let payload = Payload::from(bytes.clone());
        assert_eq!((payload.as_bytes().as_ptr(), payload.len()), (bytes.as_ptr(), 3));
        assert!(!payload.is_empty() && Payload::from("").is_empty());
    }

    #[test]
    fn the_last_clone_frees_its_owner() {
        let shared: Arc<[u8]> = Arc::from(&b"abc"[..]);
        let payload = Payload::from(shared.clone());
        let clone = payload.clone();
        drop(payload);
        assert_eq!((Arc::strong_count(&shared), clone.as_bytes()), (2, &b"abc"[..]));
        drop(clone);
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}

/// How a handler sends payloads, on a wire in memory.
#[cfg(test)]
mod sending {
    use std::io::{self, Write};
    use std::sync::Arc;

    use super::*;
    use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
    use crate::http_handler;
    use crate::testing::{Run, run};

    type Deed = fn(&Act) -> io::Result<()>;

    struct Act {
        base: BaseHTTPRequestHandler,
        deed: Deed,
    }

    #[http_handler(crate = crate, protocol_version = "HTTP/1.1")]
    impl Act {
        fn do_GET(&self) -> io::Result<()> {
            (self.deed)(self)
        }
    }

    fn asked(requests: &str, deed: Deed) -> Run {
        run(move |base| Act { base, deed }, [requests])
    }

    fn begin(act: &Act, declared: Option<usize>) -> io::Result<()> {
        act.send_response(200);
        if let Some(length) = declared {
            act.send_header("Content-Length", length);
        }
        act.end_headers()
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// More than one turn sends.
    const LARGE: usize = 3_000_000;

    fn large() -> Vec<u8> {
        (0..=250).cycle().take(LARGE).collect()
    }

    #[test]
    fn they_are_counted_or_sent_in_a_chunk_and_the_connection_goes_on() {
        let deeds: [Deed; 2] = [
            |act| begin(act, Some(LARGE)).and_then(|()| act.wfile.send_bytes(large())),
            |act| begin(act, None).and_then(|()| act.wfile.send_bytes(large())),
        ];
        for deed in deeds {
            let run = asked(&[GET, HEAD, GET].concat(), deed);
            assert_eq!(run.responses.len(), 3);
            for (place, response) in run.responses.iter().enumerate() {
                assert!(response.body == if place == 1 { Vec::new() } else { large() });
                assert!(!response.truncated && response.stays_open, "{place}");
            }
            assert_eq!(run.log.lines().count(), 3, "{}", run.log);
        }
    }

    #[test]
    fn an_old_client_gets_them_up_to_the_end_of_the_connection() {
        let deed: Deed = |act| begin(act, None).and_then(|()| act.wfile.send_bytes(large()));
        let old = asked("GET / HTTP/1.0\r\n\r\n", deed);
        assert!(old.responses[0].body == large() && !old.responses[0].stays_open);
        assert!(asked("GET /\r\n", deed).output == large());
    }

    #[test]
    fn what_is_written_and_what_is_attached_come_in_order() {
        let deeds: [Deed; 2] = [
            |act| begin(act, Some(3 * LARGE + 20_015)).and_then(|()| mix(act)),
            |act| begin(act, None).and_then(|()| mix(act)),
        ];
        for deed in deeds {
            let run = asked(&[GET, GET].concat(), deed);
            let wanted =
                [b"a", &large()[..], b"few", &large(), b"0123456789", &vec![b'x'; 20_000], &large(), b"e"];
            assert!(run.responses.iter().all(|response| response.body == wanted.concat()));
            assert_eq!(run.responses.len(), 2);
        }
    }

    fn mix(act: &Act) -> io::Result<()> {
        let mut file = tempfile::tempfile()?;
        file.write_all(b"0123456789")?;
        let payload = Payload::from(large());
        act.wfile.write_all(b"a")?;
        act.wfile.send_bytes(payload.clone())?;
        act.wfile.send_bytes("few")?;
        act.wfile.send_bytes("")?;
        act.wfile.send_bytes(payload.clone())?;
        act.wfile.send_file(&Arc::new(file), 0..10)?;
        // Large enough to bypass the buffer if nothing were waiting before it.
        act.wfile.write_all(&vec![b'x'; 20_000])?;
        act.wfile.send_bytes(payload)?;
        act.wfile.write_all(b"e")
    }

    #[test]
    fn more_than_was_declared_is_a_mistake_and_nothing_of_it_is_sent() {
        let run = asked(GET, |act| begin(act, Some(LARGE - 1)).and_then(|()| act.wfile.send_bytes(large())));
        assert_eq!(run.responses[0].status, 500);
        assert!(run.log.contains("Content-Length"), "{}", run.log);
    }

    #[test]
    fn the_pieces_that_wait_are_bounded() {
        let run = asked(GET, |act| {
            begin(act, None)?;
            let payload = Payload::from(vec![b'x'; FEW + 1]);
            while act.wfile.send_bytes(payload.clone()).is_ok() {}
            Ok(())
        });
        assert_eq!(run.responses[0].body.len(), 256 * (FEW + 1));
    }

    const FEW: usize = 16 * 1024;
}
