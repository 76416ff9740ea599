//! Status codes (RFC 9110 section 15) with their phrases and descriptions.

use std::fmt;

/// A three-digit status code: Python's `http.HTTPStatus`, but not limited to registered codes, since 999 is also legal.
///
/// ```
/// use basehttp::HTTPStatus;
///
/// assert_eq!(HTTPStatus::NOT_FOUND, 404);
/// assert_eq!(HTTPStatus::NOT_FOUND.phrase(), Some("Not Found"));
/// assert_eq!(HTTPStatus::new(999).phrase(), None);
/// assert_eq!(HTTPStatus::IM_A_TEAPOT.to_string(), "418");
/// ```
#[doc(alias("StatusCode", "status"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HTTPStatus(u16);

impl HTTPStatus {
    /// The status with this number. Whether it can be sent (100 to 999) is checked when it is sent.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// The phrase in the IANA registry, for example `Not Found`.
    pub fn phrase(self) -> Option<&'static str> {
        lookup(Self::RESPONSES, self.0).map(|(phrase, _)| phrase)
    }

    /// A sentence that explains the code.
    pub fn description(self) -> Option<&'static str> {
        lookup(Self::RESPONSES, self.0).map(|(_, description)| description)
    }

    /// Whether it fits into a status line (RFC 9112 section 4).
    #[inline]
    pub(crate) const fn has_three_digits(self) -> bool {
        matches!(self.0, 100..=999)
    }

    /// 1xx, 204 and 304 end with their header section (RFC 9112 section 6.3, step 1); 205 must not have content
    /// either (RFC 9110 section 15.3.6).
    pub(crate) const fn has_no_body(self) -> bool {
        matches!(self.0, 100..=199 | 204 | 205 | 304)
    }
}

impl From<u16> for HTTPStatus {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<HTTPStatus> for u16 {
    fn from(status: HTTPStatus) -> Self {
        status.0
    }
}

impl PartialEq<u16> for HTTPStatus {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

/// Displays the number.
impl fmt::Display for HTTPStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The phrase and description of `code` in a table such as [`HTTPStatus::RESPONSES`].
pub(crate) fn lookup(
    table: &'static [(u16, &'static str, &'static str)],
    code: u16,
) -> Option<(&'static str, &'static str)> {
    table.iter().find(|row| row.0 == code).map(|row| (row.1, row.2))
}

macro_rules! statuses {
    ($($code:literal $name:ident $phrase:literal $description:literal;)*) => {
        impl HTTPStatus {
            /// Python's `responses`: every code of the IANA registry with its phrase and description.
            pub const RESPONSES: &'static [(u16, &'static str, &'static str)] =
                &[$(($code, $phrase, $description)),*];

            $(
                #[doc = concat!("`", $code, " ", $phrase, "`")]
                pub const $name: Self = Self($code);
            )*
        }
    };
}

// The IANA registry of 2025 with the phrases of RFC 9110, and Python's names and descriptions. 306 is reserved; so is 418,
// which is kept as in Python.
statuses! {
    100 CONTINUE "Continue" "Request received, please continue";
    101 SWITCHING_PROTOCOLS "Switching Protocols" "Switching to new protocol; obey Upgrade header";
    102 PROCESSING "Processing" "Server is still processing the request";
    103 EARLY_HINTS "Early Hints" "Links that the final response is likely to name";
    104 UPLOAD_RESUMPTION_SUPPORTED "Upload Resumption Supported" "The server supports resuming this upload";
    200 OK "OK" "Request fulfilled, document follows";
    201 CREATED "Created" "Document created, URL follows";
    202 ACCEPTED "Accepted" "Request accepted, processing continues off-line";
    203 NON_AUTHORITATIVE_INFORMATION "Non-Authoritative Information" "Request fulfilled from cache";
    204 NO_CONTENT "No Content" "Request fulfilled, nothing follows";
    205 RESET_CONTENT "Reset Content" "Clear input form for further input";
    206 PARTIAL_CONTENT "Partial Content" "Partial content follows";
    207 MULTI_STATUS "Multi-Status" "Response holds a status for each of several resources";
    208 ALREADY_REPORTED "Already Reported" "Members were listed already in this response";
    226 IM_USED "IM Used" "Response is the result of changes to an instance";
    300 MULTIPLE_CHOICES "Multiple Choices" "Object has several resources -- see URI list";
    301 MOVED_PERMANENTLY "Moved Permanently" "Object moved permanently -- see URI list";
    302 FOUND "Found" "Object moved temporarily -- see URI list";
    303 SEE_OTHER "See Other" "Object moved -- see Method and URL list";
    304 NOT_MODIFIED "Not Modified" "Document has not changed since given time";
    305 USE_PROXY "Use Proxy" "You must use proxy specified in Location to access this resource";
    307 TEMPORARY_REDIRECT "Temporary Redirect" "Object moved temporarily -- see URI list";
    308 PERMANENT_REDIRECT "Permanent Redirect" "Object moved permanently -- see URI list";
    400 BAD_REQUEST "Bad Request" "Bad request syntax or unsupported method";
    401 UNAUTHORIZED "Unauthorized" "No permission -- see authorization schemes";
    402 PAYMENT_REQUIRED "Payment Required" "No payment -- see charging schemes";
    403 FORBIDDEN "Forbidden" "Request forbidden -- authorization will not help";
    404 NOT_FOUND "Not Found" "Nothing matches the given URI";
    405 METHOD_NOT_ALLOWED "Method Not Allowed" "Specified method is invalid for this resource";
    406 NOT_ACCEPTABLE "Not Acceptable" "URI not available in preferred format";
    407 PROXY_AUTHENTICATION_REQUIRED "Proxy Authentication Required" "You must authenticate with this proxy before proceeding";
    408 REQUEST_TIMEOUT "Request Timeout" "Request timed out; try again later";
    409 CONFLICT "Conflict" "Request conflict";
    410 GONE "Gone" "URI no longer exists and has been permanently removed";
    411 LENGTH_REQUIRED "Length Required" "Client must specify Content-Length";
    412 PRECONDITION_FAILED "Precondition Failed" "Precondition in headers is false";
    413 CONTENT_TOO_LARGE "Content Too Large" "Content is too large";
    414 URI_TOO_LONG "URI Too Long" "URI is too long";
    415 UNSUPPORTED_MEDIA_TYPE "Unsupported Media Type" "Entity body in unsupported format";
    416 RANGE_NOT_SATISFIABLE "Range Not Satisfiable" "Cannot satisfy request range";
    417 EXPECTATION_FAILED "Expectation Failed" "Expect condition could not be satisfied";
    418 IM_A_TEAPOT "I'm a Teapot" "Server refuses to brew coffee because it is a teapot";
    421 MISDIRECTED_REQUEST "Misdirected Request" "Server is not able to produce a response";
    422 UNPROCESSABLE_CONTENT "Unprocessable Content" "Content is well-formed, but its instructions cannot be followed";
    423 LOCKED "Locked" "Resource is locked";
    424 FAILED_DEPENDENCY "Failed Dependency" "Request depended on another one, which failed";
    425 TOO_EARLY "Too Early" "Server is unwilling to process a request that might be replayed";
    426 UPGRADE_REQUIRED "Upgrade Required" "Client must switch to another protocol";
    428 PRECONDITION_REQUIRED "Precondition Required" "The origin server requires the request to be conditional";
    429 TOO_MANY_REQUESTS "Too Many Requests" "The user has sent too many requests in a given amount of time ('rate limiting')";
    431 REQUEST_HEADER_FIELDS_TOO_LARGE "Request Header Fields Too Large" "The server is unwilling to process the request because its header fields are too large";
    451 UNAVAILABLE_FOR_LEGAL_REASONS "Unavailable For Legal Reasons" "The server is denying access to the resource as a consequence of a legal demand";
    500 INTERNAL_SERVER_ERROR "Internal Server Error" "Server got itself in trouble";
    501 NOT_IMPLEMENTED "Not Implemented" "Server does not support this operation";
    502 BAD_GATEWAY "Bad Gateway" "Invalid responses from another server/proxy";
    503 SERVICE_UNAVAILABLE "Service Unavailable" "The server cannot process the request due to a high load";
    504 GATEWAY_TIMEOUT "Gateway Timeout" "The gateway server did not receive a timely response";
    505 HTTP_VERSION_NOT_SUPPORTED "HTTP Version Not Supported" "Cannot fulfill request";
    506 VARIANT_ALSO_NEGOTIATES "Variant Also Negotiates" "Content negotiation of a variant is circular";
    507 INSUFFICIENT_STORAGE "Insufficient Storage" "Server cannot store what the request needs";
    508 LOOP_DETECTED "Loop Detected" "Server found an infinite loop";
    510 NOT_EXTENDED "Not Extended" "Request needs an extension that it does not ask for";
    511 NETWORK_AUTHENTICATION_REQUIRED "Network Authentication Required" "The client needs to authenticate to gain network access";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        let codes: Vec<u16> = HTTPStatus::RESPONSES.iter().map(|row| row.0).collect();
        assert!(codes.is_sorted());
        assert_eq!(codes.len(), 63);
        for (code, phrase, description) in HTTPStatus::RESPONSES {
            assert!(!phrase.is_empty() && !description.is_empty(), "{code}");
            assert_eq!(HTTPStatus::new(*code).phrase(), Some(*phrase));
        }
    }

    #[test]
    fn a_status_is_its_number() {
        let status = HTTPStatus::NOT_FOUND;
        assert_eq!((u16::from(status), HTTPStatus::from(404), status.code()), (404, status, 404));
        assert!(status == 404 && status != 405);
        assert_eq!(format!("{status} {status:>5}"), "404   404");
        assert_eq!(status.description(), Some("Nothing matches the given URI"));
        let unknown = HTTPStatus::new(299);
        assert_eq!((unknown.phrase(), unknown.description()), (None, None));
    }

    #[test]
    fn which_responses_have_a_body() {
        let bodyless: Vec<u16> = (0..1000).filter(|code| HTTPStatus::new(*code).has_no_body()).collect();
        assert_eq!(bodyless[..100], (100..200).collect::<Vec<u16>>());
        assert_eq!(bodyless[100..], [204, 205, 304]);
    }
}
