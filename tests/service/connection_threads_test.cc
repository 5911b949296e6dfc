#include "pipeline/service/connection_threads.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace metalwright::service {
namespace {

constexpr std::chrono::seconds kIdle{7}, kStall{8};

/// The client's end of a connection.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void say(char c) const { ASSERT_EQ(send(socket_, &c, 1, MSG_NOSIGNAL), 1); }
  /// Empty at the end.
  [[nodiscard]] std::string hear() const {
    char c = 0;
    return recv(socket_, &c, 1, 0) == 1 ? std::string(1, c) : "";
  }

 private:
  int socket_;
  bool connected_ = false;
};

/// Sends every byte back until the client ends.
void echo(Taken taken) {
  char c = 0;
  while (recv(taken.socket, &c, 1, 0) == 1) {
    if (send(taken.socket, &c, 1, MSG_NOSIGNAL) != 1) break;
  }
  close(taken.socket);
}

class ConnectionThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = ListeningSocket::open({.host = "127.0.0.1", .port = 0});
    ASSERT_TRUE(opened) << opened.error().message;
    socket_ = std::move(*opened);
    socket_->set_times(kIdle, kStall);
  }
  std::unique_ptr<ListeningSocket> socket_;
  std::atomic<long> budget_{1000};
};

TEST_F(ConnectionThreadsTest, EveryConnectionHasAThread) {
  ConnectionThreads threads(*socket_, budget_, echo);
  threads.start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(socket_->port()));
    ASSERT_TRUE(clients.back()->connected());
    clients.back()->say('a');
  }
  // All of them are open, and each is answered.
  for (int round = 0; round < 2; ++round) {
    for (const auto& client : clients) {
      ASSERT_EQ(client->hear(), "a");
      client->say('a');
    }
  }
  clients.clear();
  threads.end();
  threads.join();
  EXPECT_EQ(budget_, 1000);
}

TEST_F(ConnectionThreadsTest, TheyTakeNoMoreThanTheyMay) {
  budget_ = 2;
  ConnectionThreads threads(*socket_, budget_, echo);
  threads.start();
  const auto first = std::make_unique<Client>(socket_->port());
  auto second = std::make_unique<Client>(socket_->port());
  const Client third(socket_->port());
  first->say('1');
  EXPECT_EQ(first->hear(), "1");
  second->say('2');
  EXPECT_EQ(second->hear(), "2");
  third.say('3');
  EXPECT_EQ(budget_, 0);
  second.reset();  // who waited has its turn
  EXPECT_EQ(third.hear(), "3");
}

TEST_F(ConnectionThreadsTest, WhatIsInHandGoesOnBehindTheEnd) {
  ConnectionThreads threads(*socket_, budget_, echo);
  threads.start();
  auto client = std::make_unique<Client>(socket_->port());
  client->say('a');
  ASSERT_EQ(client->hear(), "a");
  threads.end();
  client->say('b');
  EXPECT_EQ(client->hear(), "b");
  // The socket listens on, for whoever shares it: systemd, and the process that it starts next.
  auto late = std::make_unique<Client>(socket_->port());
  ASSERT_TRUE(late->connected());
  late->say('c');
  client.reset();
  threads.join();
  ConnectionThreads next(*socket_, budget_, echo);
  next.start();
  EXPECT_EQ(late->hear(), "c");
  late.reset();  // or its thread waits for more
}

TEST_F(ConnectionThreadsTest, EndsAtOnceHoweverOften) {
  for (int i = 0; i < 50; ++i) {
    ConnectionThreads threads(*socket_, budget_, echo);
    threads.start();
    if (i % 2 == 0) {
      const Client client(socket_->port());
      client.say('x');
      ASSERT_EQ(client.hear(), "x");
    }
  }
  EXPECT_EQ(budget_, 1000);
}

TEST_F(ConnectionThreadsTest, AConnectionHasTheListenersLimits) {
  std::promise<std::string> seen;
  ConnectionThreads threads(*socket_, budget_, [&](const Taken& taken) {
    timeval receive{}, send{};
    int no_delay = 0;
    socklen_t size = sizeof receive;
    getsockopt(taken.socket, SOL_SOCKET, SO_RCVTIMEO, &receive, &size);
    getsockopt(taken.socket, SOL_SOCKET, SO_SNDTIMEO, &send, &size);
    size = sizeof no_delay;
    getsockopt(taken.socket, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    close(taken.socket);
    seen.set_value(taken.address + ' ' + std::to_string(receive.tv_sec) + ' ' +
                   std::to_string(send.tv_sec) + ' ' + std::to_string(no_delay));
  });
  threads.start();
  const Client client(socket_->port());
  client.say('x');
  EXPECT_EQ(seen.get_future().get(), "127.0.0.1 7 8 1");
}

TEST_F(ConnectionThreadsTest, OneThatSaysNothingIsTakenToo) {
  std::promise<void> taken;
  ConnectionThreads threads(*socket_, budget_, [&](const Taken& connection) {
    close(connection.socket);
    taken.set_value();
  });
  threads.start();
  const Client client(socket_->port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(taken.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

}  // namespace
}  // namespace metalwright::service
