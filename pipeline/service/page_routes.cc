#include "pipeline/service/page_files.h"
#include "pipeline/service/service.h"

/// The page for people: three files, and what a browser is to allow them.
namespace metalwright::service {
namespace {

void reply_file(Reply& reply, std::string_view type, std::string_view content) {
  reply.content_type = type;
  reply.body = content;
  reply.header("Cache-Control", "no-cache");
  // Its own files only: what a machine said of itself can load and send nothing.
  reply.header("Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
               "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  reply.header("Referrer-Policy", "no-referrer");
  reply.header("Cross-Origin-Opener-Policy", "same-origin");
  reply.header("Cross-Origin-Resource-Policy", "same-origin");
}

void page(Service&, Request&, Reply& reply) {
  reply_file(reply, "text/html; charset=utf-8", kPageHtml);
}
void style(Service&, Request&, Reply& reply) {
  reply_file(reply, "text/css; charset=utf-8", kPageCss);
}
void script(Service&, Request&, Reply& reply) {
  reply_file(reply, "text/javascript; charset=utf-8", kPageJs);
}

}  // namespace

void add_page_routes(std::vector<Route>& routes) {
  // What they show, they ask the API for, with the token of whoever looks.
  const RouteClass api = RouteClass::api;
  routes.push_back({Method::get, "/", api, page, "The page for people"});
  routes.push_back({Method::get, "/page.css", api, style, "Its style"});
  routes.push_back({Method::get, "/page.js", api, script, "Its script"});
}

}  // namespace metalwright::service
