//! A tool server for language models: the Model Context Protocol (MCP) over HTTP.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example tool_server [PORT]     # and add http://127.0.0.1:8000/mcp to your client
//! curl -H 'Content-Type: application/json' -H 'MCP-Protocol-Version: 2025-11-25' -d '{"jsonrpc": "2.0", "id": 1,
//!     "method": "tools/call", "params": {"name": "statistics", "arguments": {"numbers": [1, 2, 6]}}}' http://127.0.0.1:8000/mcp
//! ```
//!
//! It supports revision 2026-07-28, in which each request is complete in itself, and the two before it, which begin with
//! `initialize`. It has no sessions and sends no messages of its own, so GET and DELETE get 405.
//!
//! Web pages cannot call the tools: `loopback_guard` refuses requests from other sites and for other host names (DNS rebinding),
//! and the body has to be `application/json`. Other programs on this machine can. To keep them out, check a token in
//! `Authorization`.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use basehttp::prelude::*;
use basehttp::{FromBody, HttpError, Json, Parameters, Response};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

// The tools. The schemas of their arguments and results are derived from the types; the model reads the comments on the fields.

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Numbers {
    /// At least one.
    numbers: Vec<f64>,
}

#[derive(Serialize, JsonSchema)]
struct Statistics {
    count: usize,
    sum: f64,
    mean: f64,
    min: f64,
    max: f64,
}

fn statistics(_: &Notes, Numbers { numbers }: Numbers) -> Result<Statistics, String> {
    let min = numbers.iter().copied().reduce(f64::min).ok_or("There are no numbers.")?;
    let max = numbers.iter().copied().fold(min, f64::max);
    let (sum, count) = (numbers.iter().sum::<f64>(), numbers.len());
    if !sum.is_finite() {
        return Err("The sum is too large.".to_owned());
    }
    Ok(Statistics { count, sum, mean: sum / count as f64, min, max })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// Up to 2000 bytes.
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Added {
    /// How many notes there are now.
    notes: usize,
}

/// Kept in memory until the program ends.
type Notes = Mutex<Vec<Arc<Note>>>;

struct Note {
    text: String,
    lowercase: String,
}

fn lock(notes: &Notes) -> MutexGuard<'_, Vec<Arc<Note>>> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add_note(notes: &Notes, NewNote { text }: NewNote) -> Result<Added, String> {
    if text.len() > 2000 {
        return Err("A note has at most 2000 bytes.".to_owned());
    }
    let note = Arc::new(Note { lowercase: text.to_lowercase(), text });
    let mut notes = lock(notes);
    if notes.len() == 1000 {
        return Err("There is room for 1000 notes.".to_owned());
    }
    notes.push(note);
    Ok(Added { notes: notes.len() })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Words {
    /// Words that a note must all contain, in any order and case: at most 20, each of at most 200 bytes. Without words, every
    /// note is found.
    words: String,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    /// The latest twenty, newest first.
    notes: Vec<String>,
}

fn find_notes(notes: &Notes, Words { words }: Words) -> Result<Found, String> {
    let words = words.to_lowercase();
    let words: Vec<_> = words.split_whitespace().collect();
    if words.len() > 20 || words.iter().any(|word| word.len() > 200) {
        return Err("At most 20 words, each of at most 200 bytes.".to_owned());
    }
    // Copies references only. A search takes a while, and others add and find notes meanwhile.
    let notes = lock(notes).clone();
    let has_all = |note: &&Arc<Note>| words.iter().all(|word| note.lowercase.contains(word));
    Ok(Found { notes: notes.iter().rev().filter(has_all).take(20).map(|note| note.text.clone()).collect() })
}

fn tools() -> Vec<Tool> {
    vec![
        Tool::new("statistics", "Count, sum, mean, minimum and maximum of numbers.", statistics),
        Tool::new("add_note", "Keeps a note for later conversations.", add_note),
        Tool::new("find_notes", "Finds notes by the words in them.", find_notes),
    ]
}

/// A function that a model can call. It may block without delaying other requests.
struct Tool {
    name: &'static str,
    description: &'static str,
    arguments: Schema,
    result: Schema,
    call: Call,
}

type Call = Box<dyn Fn(&Notes, Value) -> Result<Value, String> + Send + Sync>;

impl Tool {
    /// `run` may fail: the model reads the error and can try again with other arguments.
    fn new<A, R>(
        name: &'static str,
        description: &'static str,
        run: fn(&Notes, A) -> Result<R, String>,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
    {
        let call = move |notes: &Notes, arguments| {
            let arguments = serde_json::from_value(arguments).map_err(|e| format!("Wrong arguments: {e}"))?;
            serde_json::to_value(run(notes, arguments)?).map_err(|error| error.to_string())
        };
        Self { name, description, arguments: schema_for!(A), result: schema_for!(R), call: Box::new(call) }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "description": self.description, "inputSchema": self.arguments, "outputSchema": self.result,
        })
    }
}

// The protocol: https://modelcontextprotocol.io/specification/2026-07-28

const CURRENT: &str = "2026-07-28";
/// The revisions with a handshake, the newest first.
const EARLIER: [&str; 2] = ["2025-11-25", "2025-06-18"];

/// An error of JSON-RPC 2.0, with the HTTP status that the protocol asks for.
struct RpcError {
    status: u16,
    code: i32,
    message: String,
    data: Value,
}

impl RpcError {
    fn new(status: u16, code: i32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: Value::Null }
    }

    fn header_mismatch(header: &str) -> Self {
        Self::new(400, -32020, format!("Header mismatch: {header} is missing or differs from the body"))
    }

    fn unsupported(version: &str) -> Self {
        let data = json!({"supported": versions(), "requested": version});
        Self { data, ..Self::new(400, -32022, "Unsupported protocol version") }
    }
}

/// Like `Json<Value>`, but bad JSON becomes an error of JSON-RPC instead of a 400 page.
struct Body(serde_json::Result<Value>);

impl FromBody for Body {
    fn check_type(content_type: Option<&Parameters>) -> Result<(), HttpError> {
        Json::<Value>::check_type(content_type)
    }

    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Ok(Self(serde_json::from_slice(&body)))
    }
}

struct ToolServer {
    base: BaseHTTPRequestHandler,
    tools: Arc<Vec<Tool>>,
    notes: Arc<Notes>,
}

#[http_handler]
impl ToolServer {
    const protocol_version: &str = "HTTP/1.1";

    // Parsed JSON takes up to a hundred times the memory of its text.
    #[route(POST, "/mcp", limit = 64 << 10)]
    fn mcp(&self, Body(message): Body) -> Response {
        let mut id = Value::Null;
        let message = message.map_err(|error| RpcError::new(400, -32700, format!("Bad JSON: {error}")));
        let outcome = message.and_then(|mut message| {
            id = message["id"].clone();
            let arguments = message.pointer_mut("/params/arguments").map(Value::take);
            self.answer(&message, arguments)
        });
        let mut answer = json!({"jsonrpc": "2.0"});
        if is_id(&id) {
            answer["id"] = id;
        }
        match outcome {
            Ok(None) => Response::new(202),
            Ok(Some(result)) => {
                answer["result"] = result;
                Json(answer).into_response()
            }
            Err(error) => {
                answer["error"] = json!({"code": error.code, "message": error.message});
                if !error.data.is_null() {
                    answer["error"]["data"] = error.data;
                }
                Json(answer).with_status(error.status)
            }
        }
    }

    /// The result of a request. A notification has none. `arguments` are those of `message`, moved out of it.
    fn answer(&self, message: &Value, arguments: Option<Value>) -> Result<Option<Value>, RpcError> {
        // This also refuses batches, which only 2025-03-26 had, and responses, because this server sends no requests.
        let (Some("2.0"), Some(method)) = (message["jsonrpc"].as_str(), message["method"].as_str()) else {
            return Err(RpcError::new(400, -32600, "Not a single request of JSON-RPC 2.0"));
        };
        let version = self.headers().get("MCP-Protocol-Version");
        if let Some(version) = version.filter(|version| !versions().contains(version)) {
            return Err(RpcError::unsupported(version));
        }
        match message.get("id") {
            None => return Ok(None),
            Some(id) if is_id(id) => {}
            Some(_) => return Err(RpcError::new(400, -32600, "An id is a string or an integer")),
        }
        let params = &message["params"];
        let is_current = self.is_current(version, method, params)?;
        let about = json!({"name": "tool_server", "version": "1.0.0"});
        let mut result = match method {
            "initialize" if !is_current => {
                let asked = params["protocolVersion"].as_str();
                let version = EARLIER.into_iter().find(|known| Some(*known) == asked).unwrap_or(EARLIER[0]);
                json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
            }
            "ping" if !is_current => json!({}),
            "server/discover" if is_current => json!({
                "supportedVersions": versions(), "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "public",
            }),
            "tools/list" => {
                let tools = self.tools.iter().map(Tool::to_json);
                json!({"tools": tools.collect::<Value>(), "ttlMs": 0, "cacheScope": "public"})
            }
            "tools/call" => self.call(params, arguments, is_current)?,
            _ => {
                // To clients of the earlier revisions, 404 means that their session has ended.
                let status = if is_current { 404 } else { 200 };
                return Err(RpcError::new(status, -32601, format!("Method not found: {method}")));
            }
        };
        // Clients of the earlier revisions ignore these two.
        result["resultType"] = "complete".into();
        result["_meta"] = json!({"io.modelcontextprotocol/serverInfo": about});
        Ok(Some(result))
    }

    /// Whether a request follows the current revision: its body then says so, and its header fields repeat the body for proxies.
    fn is_current(&self, version: Option<&str>, method: &str, params: &Value) -> Result<bool, RpcError> {
        let meta = |key: &str| &params["_meta"][format!("io.modelcontextprotocol/{key}")];
        let Some(stated) = meta("protocolVersion").as_str() else {
            return match version {
                _ if method == "initialize" => Ok(false),
                Some(CURRENT) => Err(RpcError::new(400, -32602, "_meta has no protocolVersion")),
                Some(_) => Ok(false),
                // Only the first revision had no such field.
                None => Err(RpcError::unsupported("2025-03-26")),
            };
        };
        if version != Some(stated) {
            return Err(RpcError::header_mismatch("MCP-Protocol-Version"));
        }
        if stated != CURRENT {
            return Ok(false);
        }
        if !meta("clientCapabilities").is_object() {
            return Err(RpcError::new(400, -32602, "_meta has no clientCapabilities"));
        }
        if self.headers().get("Mcp-Method") != Some(method) {
            return Err(RpcError::header_mismatch("Mcp-Method"));
        }
        let name = self.headers().get("Mcp-Name").and_then(decoded);
        if method == "tools/call" && name.as_deref() != params["name"].as_str() {
            return Err(RpcError::header_mismatch("Mcp-Name"));
        }
        Ok(true)
    }

    fn call(&self, params: &Value, arguments: Option<Value>, is_current: bool) -> Result<Value, RpcError> {
        let invalid = |message: String| RpcError::new(if is_current { 400 } else { 200 }, -32602, message);
        let name =
            params["name"].as_str().ok_or_else(|| invalid("The name of the tool is missing".into()))?;
        let tool = self.tools.iter().find(|tool| tool.name == name);
        let tool = tool.ok_or_else(|| invalid(format!("Unknown tool: {name}")))?;
        let arguments = match arguments {
            None => json!({}),
            Some(arguments) if arguments.is_object() => arguments,
            Some(_) => return Err(invalid("The arguments have to be an object".into())),
        };
        Ok(match (tool.call)(&self.notes, arguments) {
            // The text is for clients that do not support structured content.
            Ok(result) => json!({
                "content": [{"type": "text", "text": result.to_string()}], "structuredContent": result, "isError": false,
            }),
            Err(error) => json!({"content": [{"type": "text", "text": error}], "isError": true}),
        })
    }
}

fn versions() -> [&'static str; 3] {
    [CURRENT, EARLIER[0], EARLIER[1]]
}

fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_i64() || value.is_u64()
}

/// A name in a header field: verbatim, or encoded as `=?base64?...?=`.
fn decoded(text: &str) -> Option<String> {
    match text.strip_prefix("=?base64?").and_then(|text| text.strip_suffix("?=")) {
        None => Some(text.to_owned()),
        Some(text) => String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok(),
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let (tools, notes) = (Arc::new(tools()), Arc::default());
    let factory = move |base| ToolServer { base, tools: Arc::clone(&tools), notes: Arc::clone(&notes) };
    let mut server = HTTPServer::builder().loopback_guard(true).bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
