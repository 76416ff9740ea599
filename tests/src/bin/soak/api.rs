//! The routes of the handler.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use basehttp::prelude::*;
use basehttp::{Form, HttpError, Json};

use crate::content;
use crate::handler::Soaked;

/// The maximum length of a form with files.
pub(crate) const MOST: u64 = 4 << 20;

#[derive(serde::Deserialize, serde::Serialize)]
pub(crate) struct Numbers {
    pub(crate) name: String,
    pub(crate) numbers: Vec<i64>,
}

#[derive(serde::Deserialize)]
struct Guest {
    name: String,
    age: Option<u8>,
}

#[http_routes(API, prefix = "/api")]
impl Soaked {
    /// Sorted, and with their sum.
    #[route(POST, "/numbers", limit = 60_000)]
    fn numbers(&self, Json(mut numbers): Json<Numbers>) -> (u16, Json<Numbers>) {
        numbers.numbers.sort_unstable();
        numbers.numbers.push(numbers.numbers.iter().sum());
        (201, Json(numbers))
    }

    #[route(GET, "/items/{id}/{path..}?{tag}&{limit}")]
    fn item(&self, id: u32, path: &str, tag: Vec<&str>, limit: Option<u8>) -> String {
        format!("{id} {path} {tag:?} {limit:?}\n")
    }

    #[route(POST, "/guests")]
    fn guest(&self, Form(guest): Form<Guest>) -> Result<String, HttpError> {
        match guest.age {
            Some(age) if age < 18 => Err(HttpError::new(422, "Too young")),
            age => Ok(format!("{} {age:?}\n", guest.name)),
        }
    }

    /// A form with files: a line for each part.
    #[route(POST, "/files")]
    fn files(&self) -> Result<String, Box<dyn Error>> {
        let mut form = self.multipart(MOST)?;
        let mut told = String::new();
        while let Some(part) = form.next_part()? {
            let name = part.name().unwrap_or_default().to_owned();
            let file = part.file_name().unwrap_or_default().to_owned();
            write!(told, "{name} {file}: {}", self.keep(None, part)?)?;
        }
        Ok(told)
    }

    /// A body of any length becomes a file.
    #[route(PUT, "/stored/{name}")]
    fn put(&self, name: u64) -> io::Result<()> {
        let told = self.keep(Some(name), &self.rfile)?;
        self.say(&told)
    }

    #[route(DELETE, "/stored/{name}")]
    fn delete(&self, name: u64) -> Result<HTTPStatus, HttpError> {
        let removed = std::fs::remove_file(self.house.stored.join(name.to_string()));
        removed.map_err(|error| HttpError::new(404, error.to_string()))?;
        Ok(HTTPStatus::NO_CONTENT)
    }

    /// Answers a long poll.
    #[route(POST, "/wake/{key}")]
    fn wake(&self, key: u64) -> Option<String> {
        let later = self.house.waiting().remove(&key)?;
        later.resume(move |handler: &mut Soaked| handler.say(&content::woken(key)));
        Some("woken\n".to_owned())
    }
}
