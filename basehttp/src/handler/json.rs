//! JSON, in bodies and in responses.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::FromBody;
use super::http_error::HttpError;
use super::response::{IntoResponse, Response};
use crate::proto::parameters::Parameters;
use crate::proto::status::HTTPStatus;

/// JSON (RFC 8259). As the argument of a route, it is the body of the request; returned from a method, the body of the response.
///
/// The request must have `Content-Type: application/json`, or another type that ends with `+json`. For any other type the
/// response is a 415, sent before the body is read. That also rejects forms posted from other sites, which a browser sends
/// without a preflight request. If the body is not valid JSON for `T`, the response is a 400 with the line and the column.
///
/// ```
/// use basehttp::Json;
/// use basehttp::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Question { numbers: Vec<f64> }
///
/// #[derive(serde::Serialize)]
/// struct Answer { sum: f64 }
///
/// struct Sums { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Sums {
///     #[route(POST, "/sum")]
///     fn sum(&self, Json(question): Json<Question>) -> Json<Answer> {
///         Json(Answer { sum: question.numbers.iter().sum() })
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Sums { base });
/// assert_eq!(client.post("/sum", "application/json", r#"{"numbers": [1, 2.5]}"#).text(), r#"{"sum":3.5}"#);
/// assert_eq!(client.post("/sum", "application/json", "{").status, 400);
/// assert_eq!(client.post("/sum", "text/plain", "{}").status, 415);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Response::of_bytes("application/json", body),
            Err(error) => Response::failed(error),
        }
    }
}

impl<T: DeserializeOwned> FromBody for Json<T> {
    fn check_type(content_type: Option<&Parameters>) -> Result<(), HttpError> {
        if content_type.is_some_and(is_json) {
            return Ok(());
        }
        let error = HttpError::new(HTTPStatus::UNSUPPORTED_MEDIA_TYPE, "Send application/json");
        Err(error.with_header("Accept", "application/json"))
    }

    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        // The error's text includes the line and the column.
        serde_json::from_slice(&body).map(Self).map_err(|error| HttpError::bad("JSON", &error))
    }
}

/// `application/json`, or a type with the suffix of RFC 6839 section 3.1.
fn is_json(content_type: &Parameters) -> bool {
    let essence = content_type.value().as_bytes();
    let suffix = essence.len().checked_sub(5).and_then(|at| essence.get(at..));
    content_type.is("application/json") || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
}
