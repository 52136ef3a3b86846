//! A merchant's server on loopback: what it answers is scripted, and what it hears is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jialing_crypto::seal::{Locked, SealAlgorithm, SealKey};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What the server answers.
#[derive(Clone, Debug)]
pub enum Say {
    /// A status, with further header lines.
    Status(u16, &'static str),
    /// Nothing, until something else is said.
    Nothing,
}

/// A message as it was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The resource, opened with the merchant's key (base64).
    pub fn opened(&self, key: &str) -> Value {
        let resource = &self.json()["resource"];
        let algorithm = match resource["algorithm"].as_str() {
            Some("AES-256-GCM") => SealAlgorithm::Aes256Gcm,
            Some("SM4-GCM") => SealAlgorithm::Sm4Gcm,
            other => panic!("{other:?} is no cipher"),
        };
        let field = |name: &str| resource[name].as_str().expect("a text");
        let key = SealKey::new(0, algorithm, &base64(key)).expect("the key's length fits");
        let locked = Locked {
            nonce: base64(field("nonce")).try_into().expect("12 bytes"),
            ciphertext: base64(field("ciphertext")),
        };
        let plain = key.unlock(&locked, field("associated_data").as_bytes()).expect("it opens");
        serde_json::from_slice(&plain).expect("the resource is JSON")
    }
}

pub fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

/// The server.
pub struct Receiver {
    pub url: String,
    say: watch::Sender<Say>,
    heard: Mutex<mpsc::UnboundedReceiver<Heard>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (say, said) = watch::channel(Say::Status(200, ""));
        let (tell, heard) = mpsc::unbounded_channel();
        let tell = Arc::new(tell);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, said.clone(), tell.clone()));
            }
        });
        Self { url, say, heard: Mutex::new(heard), task }
    }

    /// From now on it answers so; those that wait for an answer get this one.
    pub fn say(&self, say: Say) {
        self.say.send_replace(say);
    }

    /// The next message that came, if one did.
    pub fn next(&self) -> Option<Heard> {
        self.heard.lock().expect("no test panicked here").try_recv().ok()
    }

    /// How many messages came since it was asked last.
    pub fn count(&self) -> usize {
        std::iter::from_fn(|| self.next()).count()
    }

    /// Waits for the next message.
    pub async fn wait(&self) -> Heard {
        std::future::poll_fn(|context| self.heard.lock().expect("no test panicked here").poll_recv(context))
            .await
            .expect("the server runs")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(
    mut stream: TcpStream,
    mut said: watch::Receiver<Say>,
    tell: Arc<mpsc::UnboundedSender<Heard>>,
) -> Option<()> {
    loop {
        let heard = hear(&mut stream).await?;
        tell.send(heard).ok()?;
        let answer = said.wait_for(|say| !matches!(say, Say::Nothing)).await.ok()?.clone();
        let Say::Status(status, lines) = answer else { return None };
        let text = format!("HTTP/1.1 {status} Said\r\n{lines}Content-Length: 4\r\n\r\nsaid");
        stream.write_all(text.as_bytes()).await.ok()?;
    }
}

async fn hear(stream: &mut TcpStream) -> Option<Heard> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&chunk[..read]);
    }
    Some(Heard { path, headers, body })
}
