// cpp-httplib by itself: answers every request with what stood on its standard input. Prints its port.
#include <httplib.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

int main() {
  const std::string content{std::istreambuf_iterator<char>(std::cin), {}};
  httplib::Server server;
  // A thread for each of the bench's connections, as the library wants it.
  server.new_task_queue = [] { return new httplib::ThreadPool(64); };
  server.set_keep_alive_max_count(100000000);
  server.set_tcp_nodelay(true);
  server.Get("/", [&](const httplib::Request&, httplib::Response& response) {
    response.set_content(content, "text/plain; charset=utf-8");
  });
  std::printf("%d\n", server.bind_to_any_port("127.0.0.1"));
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
