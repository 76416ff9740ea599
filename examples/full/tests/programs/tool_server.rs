//! The example `tool_server`: what a client of the protocol may do wrong, and what it gets. The official client is driven by
//! `tests/clients/run`.

use serde_json::{Value, json};

use super::program::*;

const EARLIER: &str = "MCP-Protocol-Version: 2025-11-25\r\n";

/// Posts a body, and returns the status code and the JSON of the response.
fn post(program: &Program, fields: &str, body: &str) -> (u16, Value) {
    let answer = program.exchange(format_args!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    (head[9..12].parse().unwrap(), body)
}

#[track_caller]
fn fails(program: &Program, fields: &str, body: &str, status: u16, code: i32) -> Value {
    let (actual, answer) = post(program, fields, body);
    assert_eq!((actual, answer["error"]["code"].as_i64()), (status, Some(code.into())), "{body}: {answer}");
    answer
}

#[test]
fn tool_server_answers_clients_that_begin_with_a_handshake() {
    let program = Program::start("tool_server", &["0"]);
    let initialize = |version: &str| {
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}});
        let message = json!({"jsonrpc": "2.0", "id": "first", "method": "initialize", "params": params});
        let (status, answer) = post(&program, "", &message.to_string());
        assert_eq!((status, &answer["id"]), (200, &json!("first")));
        assert_eq!(answer["result"]["capabilities"], json!({"tools": {}}));
        answer["result"]["protocolVersion"].as_str().unwrap().to_owned()
    };
    assert_eq!(initialize("2025-11-25"), "2025-11-25");
    assert_eq!(initialize("2025-06-18"), "2025-06-18");
    assert_eq!(initialize("2024-11-05"), "2025-11-25");
    let initialized = r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#;
    assert_eq!(post(&program, EARLIER, initialized), (202, json!("")));

    let (status, answer) = post(&program, EARLIER, r#"{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}"#);
    let tool = &answer["result"]["tools"][0];
    assert_eq!((status, &tool["name"], &answer["id"]), (200, &json!("statistics"), &json!(2)));
    let schema = &tool["inputSchema"];
    assert_eq!(
        (&schema["type"], &schema["required"], &schema["additionalProperties"]),
        (&json!("object"), &json!(["numbers"]), &json!(false))
    );
    let numbers = &schema["properties"]["numbers"];
    assert_eq!(
        (&numbers["type"], &numbers["items"]["type"], &numbers["description"]),
        (&json!("array"), &json!("number"), &json!("At least one."))
    );

    let call = |name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params}).to_string()
    };
    let (_, answer) = post(&program, EARLIER, &call("statistics", json!({"numbers": [1e308, 1e308]})));
    assert_eq!(
        (&answer["result"]["isError"], &answer["result"]["content"][0]["text"]),
        (&json!(true), &json!("The sum is too large."))
    );
    fails(&program, EARLIER, &call("statistics", json!([1])), 200, -32602);
    fails(&program, EARLIER, &call("guess", json!({})), 200, -32602);
    fails(&program, EARLIER, r#"{"jsonrpc": "2.0", "id": 4, "method": "tools/call"}"#, 200, -32602);
    fails(&program, EARLIER, r#"{"jsonrpc": "2.0", "id": 5, "method": "server/discover"}"#, 200, -32601);
    for note in 0..1000 {
        let (_, answer) = post(&program, EARLIER, &call("add_note", json!({"text": "x"})));
        assert_eq!(answer["result"]["structuredContent"]["notes"], note + 1);
    }
    let (_, answer) = post(&program, EARLIER, &call("add_note", json!({"text": "x"})));
    assert_eq!(answer["result"]["isError"], true);
    program.stop();
}

#[test]
fn tool_server_limits_what_is_searched_for() {
    let program = Program::start("tool_server", &["0"]);
    let call = |name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        post(&program, EARLIER, &message.to_string()).1["result"].take()
    };
    let long = "X".repeat(200);
    for text in [format!("{long} Äpfel"), "Äpfel".to_owned(), "Birnen".to_owned()] {
        assert_eq!(call("add_note", json!({"text": text}))["isError"], false);
    }
    let find = |words: &str| call("find_notes", json!({"words": words}));
    assert_eq!(find("äPFEL")["structuredContent"]["notes"], json!(["Äpfel", format!("{long} Äpfel")]));
    assert_eq!(find(&format!("pfel {long}"))["structuredContent"]["notes"], json!([format!("{long} Äpfel")]));
    assert_eq!(find(" ")["structuredContent"]["notes"].as_array().unwrap().len(), 3);
    assert_eq!(find(&"e ".repeat(20))["isError"], false);
    for too_much in ["e ".repeat(21), format!("{long}x"), "ä".repeat(101)] {
        let result = find(&too_much);
        let told = &result["content"][0]["text"];
        assert_eq!(
            (&result["isError"], told),
            (&json!(true), &json!("At most 20 words, each of at most 200 bytes."))
        );
    }
    program.stop();
}

#[test]
fn tool_server_refuses_what_is_no_message() {
    let program = Program::start("tool_server", &["0"]);
    let ping = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;
    assert_eq!(post(&program, EARLIER, ping).0, 200);
    for no_json in ["", "{", "\u{ff}", "nothing"] {
        let answer = fails(&program, EARLIER, no_json, 400, -32700);
        assert_eq!(answer.get("id"), None);
    }
    for no_message in [
        &format!("[{ping}]"),
        "[]",
        "7",
        "null",
        r#"{"id": 1, "method": "ping"}"#,
        r#"{"jsonrpc": "1.0", "id": 1, "method": "ping"}"#,
        r#"{"jsonrpc": "2.0", "id": 1}"#,
        r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#,
        r#"{"jsonrpc": "2.0", "id": null, "method": "ping"}"#,
        r#"{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}"#,
    ] {
        fails(&program, EARLIER, no_message, 400, -32600);
    }
    for (fields, requested) in [("", "2025-03-26"), ("MCP-Protocol-Version: 1900-01-01\r\n", "1900-01-01")] {
        let answer = fails(&program, fields, ping, 400, -32022);
        assert_eq!((&answer["id"], &answer["error"]["data"]["requested"]), (&json!(1), &json!(requested)));
        assert_eq!(answer["error"]["data"]["supported"], json!(["2026-07-28", "2025-11-25", "2025-06-18"]));
    }

    let ask = |line: &str, fields: &str, body: &str| {
        program.exchange(format_args!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{EARLIER}{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    for method in ["GET", "DELETE"] {
        let answer = ask(&format!("{method} /mcp"), "", "");
        check(&answer, "HTTP/1.1 405 Method Not Allowed", &["\r\nAllow: POST, OPTIONS\r\n"]);
    }
    let answer = ask("POST /mcp", "Content-Type: text/plain\r\n", ping);
    check(&answer, "HTTP/1.1 415 Send application/json", &[]);
    let json_type = "Content-Type: application/json\r\n";
    let answer = ask("POST /mcp", json_type, &" ".repeat((64 << 10) + 1));
    check(&answer, "HTTP/1.1 413 Content Too Large", &[]);
    let longest = format!("{ping}{}", " ".repeat((64 << 10) - ping.len()));
    check(&ask("POST /mcp", json_type, &longest), "HTTP/1.1 200 OK", &[]);
    for origin in ["http://evil.example", "null"] {
        let answer = ask("POST /mcp", &format!("{json_type}Origin: {origin}\r\n"), ping);
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
    let own = ask("POST /mcp", &format!("{json_type}Origin: http://localhost:6274\r\n"), ping);
    check(&own, "HTTP/1.1 200 OK", &["\r\nContent-Type: application/json\r\n"]);
    assert!(program.exchange(request("POST /mcp")).starts_with("HTTP/1.1 421 "));
    program.stop();
}

#[test]
fn tool_server_compares_header_and_body_of_the_current_revision() {
    let program = Program::start("tool_server", &["0"]);
    let message = |method: &str, mut params: Value| {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    };
    let version = "MCP-Protocol-Version: 2026-07-28\r\n";
    let discover = message("server/discover", json!({}));
    let (status, answer) =
        post(&program, &format!("{version}Mcp-Method: server/discover\r\n"), &discover.to_string());
    assert_eq!((status, &answer["result"]["supportedVersions"][0]), (200, &json!("2026-07-28")));
    assert_eq!(answer["result"]["resultType"], "complete");

    let arguments = json!({"numbers": [1, 2, 6]});
    let call = message("tools/call", json!({"name": "statistics", "arguments": arguments})).to_string();
    let method = format!("{version}Mcp-Method: tools/call\r\n");
    for name in ["statistics", "=?base64?c3RhdGlzdGljcw==?="] {
        let (status, answer) = post(&program, &format!("{method}Mcp-Name: {name}\r\n"), &call);
        assert_eq!((status, &answer["result"]["structuredContent"]["mean"]), (200, &json!(3.0)));
    }
    for fields in [
        "Mcp-Method: tools/call\r\nMcp-Name: statistics\r\n",
        &format!("{EARLIER}Mcp-Method: tools/call\r\nMcp-Name: statistics\r\n"),
        version,
        &format!("{version}Mcp-Method: tools/list\r\nMcp-Name: statistics\r\n"),
        &method,
        &format!("{method}Mcp-Name: add_note\r\n"),
        &format!("{method}Mcp-Name: =?base64?c3RhdGlzdGljcw=?=\r\n"),
    ] {
        fails(&program, fields, &call, 400, -32020);
    }
    for left_out in ["protocolVersion", "clientCapabilities"] {
        let mut message = discover.clone();
        let meta = message["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("io.modelcontextprotocol/{left_out}"));
        fails(
            &program,
            &format!("{version}Mcp-Method: server/discover\r\n"),
            &message.to_string(),
            400,
            -32602,
        );
    }
    let unknown = message("tools/call", json!({"name": "guess"})).to_string();
    fails(&program, &format!("{method}Mcp-Name: guess\r\n"), &unknown, 400, -32602);
    let ping = message("ping", json!({})).to_string();
    fails(&program, &format!("{version}Mcp-Method: ping\r\n"), &ping, 404, -32601);
    program.stop();
}
