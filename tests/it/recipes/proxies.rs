//! Reverse proxies with TLS in front of Connectory: real ones, with the configuration of the document.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Response};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::ANA;
use super::document::recipe;
use super::machine::{Machine, is_root};
use crate::support::apache;
use crate::support::hostile::Authority;
use crate::support::nginx::Nginx;
use crate::support::program::{free_address, wait_until};
use crate::support::{METRICS_TOKEN, PASSWORD, TestApp};

/// Where the visitors are, as another machine's address.
const VISITOR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The public address of the examples, on ports of the test's own, and a visitor's client that trusts it.
struct Site {
    plain: SocketAddr,
    url: String,
    client: Client,
}

impl Site {
    /// Gives a machine certificate and ports for the public address.
    fn of(machine: &mut Machine) -> Site {
        let (plain, secure) = (free_address(), free_address());
        let authority = Authority::new("Example CA");
        let issued = authority.issue("connectory.example.org");
        let folder = machine.path("/etc/ssl");
        fs::write(folder.join("connectory.crt"), issued.certificate_pem).expect("a file");
        fs::write(folder.join("connectory.key"), issued.key_pem).expect("a file");
        let url = format!("https://connectory.example.org:{}", secure.port());
        machine.name("https://connectory.example.org", &url);
        machine.name("listen 80;", &format!("listen {plain};"));
        machine.name("listen 443 ssl;", &format!("listen {secure} ssl;"));
        machine.name("VirtualHost *:80>", &format!("VirtualHost {plain}>"));
        machine.name("VirtualHost *:443>", &format!("VirtualHost {secure}>"));
        let ca = reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
        let client = Client::builder()
            .tls_certs_only([ca])
            .resolve("connectory.example.org", secure)
            .local_address(VISITOR)
            // A proxy that has stopped leaves no connection behind to be used again.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Site { plain, url, client }
    }

    async fn get(&self, path: &str, cookie: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.url));
        request.header(COOKIE, cookie).send().await.expect("an answer")
    }

    /// Signs in, and gives the cookie of the session.
    async fn sign_in(&self, username: &str, password: &str) -> String {
        let page = self.get("/sign-in", "").await;
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["strict-transport-security"], "max-age=31536000");
        let before = cookie(&page, "__Host-connectory-csrf=");
        let html = page.text().await.expect("a page");
        let csrf = html.split("name=\"csrf\" value=\"").nth(1).expect("a form");
        let csrf = csrf.split('"').next().expect("a value");
        let fields = [("csrf", csrf), ("username", username), ("password", password)];
        let request = self.client.post(format!("{}/sign-in", self.url)).form(&fields);
        let request = request
            .header(COOKIE, before)
            .header(ORIGIN, &self.url)
            // What visitors say of themselves counts for nothing.
            .header("X-Forwarded-For", "198.51.100.9");
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 303);
        cookie(&answer, "__Host-connectory=")
    }

    /// Everything that the document promises of a proxy.
    async fn is_served_well(&self, machine: &mut Machine) {
        let plain = format!("http://connectory.example.org:{}/sign-in?next=%2F", self.plain.port());
        let answer = self.client.get(plain).send().await.expect("an answer");
        assert_eq!(answer.status(), 301);
        assert_eq!(answer.headers()[LOCATION], format!("{}/sign-in?next=%2F", self.url));

        let session = self.sign_in(ANA.0, ANA.1).await;
        assert_eq!(self.get("/connectors", &session).await.status(), 200);
        let ask = machine.translated("runuser -u connectory -- psql -h /var/lib/connectory/socket -U connectory -Atc 'SELECT address FROM sessions WHERE user_id IS NOT NULL ORDER BY created_at DESC LIMIT 1'");
        let seen = machine.shell(&ask);
        assert_eq!(seen.out, format!("{VISITOR}\n"), "{}", seen.err);

        let metrics = self.client.get(format!("{}/metrics", self.url));
        let metrics = metrics.bearer_auth(METRICS_TOKEN).send().await.expect("an answer");
        assert_eq!(metrics.status(), 404, "they are for this machine only");

        // Paths and a body that proxies like to change or refuse.
        let long = "y".repeat(16_000);
        for (path, body) in [("a%2Fb", 0), ("x", 2 << 20), (&long, 0)] {
            let url = format!("{}/api/v1/connectors/x/proxy/{path}", self.url);
            let request = self.client.post(url).body(vec![b'x'; body]);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 401, "{path}");
            assert_eq!(answer.headers()["connectory-answer"], "connectory", "{path}");
        }
    }
}

/// What the browser sends back of the cookie of this name.
fn cookie(answer: &Response, name: &str) -> String {
    let cookies = answer.headers().get_all(SET_COOKIE).iter();
    let mut cookies = cookies.filter_map(|cookie| cookie.to_str().ok());
    let cookie = cookies.find(|cookie| cookie.starts_with(name));
    let cookie = cookie.expect("a cookie");
    assert!(cookie.contains("; Secure"), "{cookie}");
    cookie.split(';').next().expect("a value").to_owned()
}

/// A machine that serves as the document says behind a proxy.
fn behind() -> (Machine, Site) {
    let mut machine = Machine::installed();
    let site = Site::of(&mut machine);
    machine.put("settings-file");
    machine.add_settings("proxy-settings");
    machine.add_lines(&format!("CONNECTORY_METRICS_TOKEN={METRICS_TOKEN}\n"));
    machine.run("enable");
    machine.run("first-super-admin");
    (machine, site)
}

fn nginx(machine: &Machine, around: &str) -> Nginx {
    Nginx::start(&machine.path("/run/nginx"), "1", around, "return 404;").expect("nginx")
}

#[tokio::test]
async fn nginx_and_apache_serve_the_site_with_tls() {
    let (mut machine, site) = behind();
    machine.put("nginx");
    machine.run("nginx-reload");
    let nginx = nginx(&machine, &machine.recipe("nginx"));
    site.is_served_well(&mut machine).await;
    drop(nginx);
    machine.put("apache");
    machine.run("apache-enable");
    let _apache = Apache::start(&machine, &site);
    site.is_served_well(&mut machine).await;
}

/// nginx before the two instances of the document.
fn balancer(machine: &mut Machine) -> Nginx {
    let address = recipe("balancer-address");
    machine.name("proxy_pass http://127.0.0.1:8080;", address.trim());
    let both = [machine.recipe("balancer"), machine.recipe("nginx")].concat();
    assert_eq!(both.matches(address.trim()).count(), 2);
    nginx(machine, &both)
}

/// Takes requests, counts them, and hangs up without an answer.
async fn hang_up(listener: TcpListener, taken: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let read = stream.read(&mut [0; 4096]).await;
        taken.fetch_add(usize::from(read.is_ok_and(|read| read > 0)), Relaxed);
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_done_is_not_given_to_another_instance() {
    let mut machine = Machine::new();
    let site = Site::of(&mut machine);
    let taken = Arc::new(AtomicUsize::new(0));
    for name in ["192.0.2.10:8080", "192.0.2.20:8080"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("its address");
        machine.name(name, &address.to_string());
        tokio::spawn(hang_up(listener, taken.clone()));
    }
    let _nginx = balancer(&mut machine);
    let call = format!("{}/api/v1/connectors/x/proxy/y", site.url);
    let answer = site.client.put(call).send().await.expect("an answer");
    assert_eq!(answer.status(), 502);
    assert_eq!(taken.load(Relaxed), 1);
}

#[tokio::test]
async fn of_two_instances_behind_nginx_one_may_end_without_anybody_noticing() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    let mut machine = Machine::new();
    let site = Site::of(&mut machine);
    let settings = machine.recipe("proxy-settings");
    let instances = ["192.0.2.10:8080", "192.0.2.20:8080"].map(|name| {
        let settings = settings.lines().filter_map(|line| line.split_once('='));
        let instance = settings.fold(app.another_program(), |instance, (name, value)| instance.set(name, value));
        machine.name(name, &instance.address.to_string());
        let program = instance.serve();
        (instance, program)
    });
    let _nginx = balancer(&mut machine);

    let session = site.sign_in(&user.username, PASSWORD).await;
    let [first, _second] = instances;
    let mut first = Some(first);
    for number in 0..60 {
        if number == 20 {
            first = None;
        }
        assert_eq!(site.get("/profile", &session).await.status(), 200, "{number}");
    }
    assert!(first.is_none());
}

/// Debian's Apache with the modules and ports of its own configuration; it stops when dropped.
struct Apache(Child);

impl Apache {
    fn start(machine: &Machine, site: &Site) -> Apache {
        let folder = machine.path("/etc/apache2");
        // Those that Debian has on, the one that comes with ssl, and what was asked for.
        let usual = ["mpm_event", "authz_core", "alias", "socache_shmcb"];
        let asked = fs::read_to_string(machine.path("/run/modules")).expect("the modules");
        let modules = usual.into_iter().chain(asked.lines());
        let modules: Vec<String> =
            modules.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")).collect();
        let user = if is_root() { "User www-data\nGroup www-data\n" } else { "" };
        let secure = site.url.rsplit(':').next().expect("a port");
        let configuration = format!(
            "ServerRoot {folder}\nServerName 127.0.0.1\nPidFile {folder}/pid\nErrorLog {folder}/error.log\nDefaultRuntimeDir {folder}\n{}{user}Listen {}\nListen 127.0.0.1:{secure}\nInclude {folder}/sites-enabled/*.conf\n",
            modules.concat(),
            site.plain,
            folder = folder.display(),
        );
        let file = folder.join("apache2.conf");
        fs::write(&file, configuration).expect("a file");
        let master = apache::spawn(&file);
        let mut apache = Apache(master);
        wait_until("the start of Apache", || {
            if let Some(status) = apache.0.try_wait().expect("a process of ours") {
                panic!("{status}: {}", log(&folder));
            }
            TcpStream::connect(site.plain).is_ok()
        });
        apache
    }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("error.log")).unwrap_or_default()
}

impl Drop for Apache {
    fn drop(&mut self) {
        if let Ok(id) = self.0.id().try_into() {
            kill(Pid::from_raw(id), Signal::SIGTERM).ok();
        }
        self.0.wait().ok();
    }
}
