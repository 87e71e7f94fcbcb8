//! The page's files are served beside the rest, whichever way they were exported.

mod support;

use support::{Server, raw};

#[tokio::test]
async fn paths_lead_to_the_exported_pages() {
    let files = [
        ("index.html", "home"),
        ("session/index.html", "folder"),
        ("about.html", "file"),
        ("sign-in.html", "sign in"),
        ("sign-in/data.txt", "beside"),
        ("404.html", "nowhere"),
        ("_next/static/a.js", "code"),
        ("../secret.txt", "secret"),
    ];
    let server = Server::with_files(&files).await;
    for (path, status, body, cache) in [
        ("/", 200, "home", "no-cache"),
        ("/session/?id=1", 200, "folder", "no-cache"),
        ("/session", 307, "", "no-cache"),
        ("/about?next=1", 200, "file", "no-cache"),
        ("/sign-in", 307, "", "no-cache"),
        ("/sign-in/", 200, "sign in", "no-cache"),
        ("/sign-in/data.txt", 200, "beside", "no-cache"),
        ("/_next/static/a.js", 200, "code", "public, max-age=31536000, immutable"),
        ("/_next/static/b.js", 404, "", ""),
        ("/nonsense", 404, "nowhere", "no-cache"),
        ("/../secret.txt", 404, "nowhere", "no-cache"),
        ("/%2e%2e/secret.txt", 404, "nowhere", "no-cache"),
    ] {
        let reply = raw(server.address, "GET", path, &[], "").await;
        assert_eq!((reply.status, reply.body.as_str()), (status, body), "{path}");
        assert_eq!(reply.header("cache-control").unwrap_or_default(), cache, "{path}");
    }
}
