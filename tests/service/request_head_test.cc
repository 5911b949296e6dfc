#include "pipeline/service/request_head.h"

#include <gtest/gtest.h>

#include <string>

namespace metalwright::service {
namespace {

std::string head(const std::string& line, const std::string& headers) {
  return line + "\r\nHost: h\r\n" + headers + "\r\n";
}

int status(const std::string& line, const std::string& headers = "") {
  return judge_head(head(line, headers)).status;
}

TEST(RequestHead, TakesWhatClientsSend) {
  EXPECT_EQ(status("GET /boot/menu.ipxe?mac=52:54:00:00:00:11&uuid= HTTP/1.1"), 0);
  EXPECT_EQ(status("GET / HTTP/1.0", "User-Agent: iPXE/1.0.0+\r\nConnection: keep-alive\r\n"), 0);
  EXPECT_EQ(judge_head("GET / HTTP/1.0\r\n\r\n").status, 0);
  const HeadVerdict post = judge_head(head("POST /register HTTP/1.1", "Content-Length: 12\r\n"));
  EXPECT_EQ(post.status, 0);
  EXPECT_EQ(post.framing.content_length, 12U);
  EXPECT_TRUE(
      judge_head(head("PUT /x HTTP/1.1", "Transfer-Encoding: Chunked\r\n")).framing.chunked);
}

TEST(RequestHead, RefusesWhatTwoReadersCouldFrameInTwoWays) {
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: 1\r\nContent-Length: 1\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: 1, 1\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: -1\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: +1\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: 0x1\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length:\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: 99999999999999999999\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(status("POST / HTTP/1.1", "Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(status("POST / HTTP/1.1", "X: a\r\n folded: b\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1", "Content-Length: 5\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1", "Host: other\r\n"), 400);
  EXPECT_EQ(judge_head("GET / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(judge_head("GET / HTTP/1.1\nHost: h\r\n\r\n").status, 400);
  EXPECT_EQ(judge_head(std::string("GET / HTTP/1.1\r\nHost: h\0x\r\n\r\n", 28)).status, 400);
}

TEST(RequestHead, RefusesBrokenRequestLines) {
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status("GET"), 400);
  EXPECT_EQ(status("GET /"), 400);
  EXPECT_EQ(status("GET / HTTP/2.0"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1 "), 400);
  EXPECT_EQ(status("G(T / HTTP/1.1"), 400);
  EXPECT_EQ(status("GET http://other/ HTTP/1.1"), 400);
  EXPECT_EQ(status("GET /a b HTTP/1.1"), 400);
  EXPECT_EQ(status("GET /\x80 HTTP/1.1"), 400);
}

TEST(RequestHead, RefusesWhatWouldGrow) {
  std::string many;
  for (int i = 0; i < 70; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(status("GET / HTTP/1.1", many), 431);
  EXPECT_EQ(status("POST / HTTP/1.1", "Content-Encoding: gzip\r\n"), 415);
}

TEST(RequestHead, FindsItsEndHoweverItArrives) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\nrest";
  for (std::size_t i = 0; i + 4 < text.size(); ++i) {
    EXPECT_FALSE(end_of_head(std::string_view(text).substr(0, i), i / 2).has_value() && i < 27)
        << i;
  }
  EXPECT_EQ(end_of_head(text, 26), 27U);
  EXPECT_EQ(end_of_head(text, 0), 27U);
}

TEST(RequestHead, ReadsChunkSizes) {
  EXPECT_EQ(chunk_size("0"), 0U);
  EXPECT_EQ(chunk_size("1aF;name=value"), 0x1AFU);
  EXPECT_EQ(chunk_size(""), std::nullopt);
  EXPECT_EQ(chunk_size("1;x\ny"), std::nullopt);
  EXPECT_EQ(chunk_size("1;x\ry"), std::nullopt);
  EXPECT_EQ(chunk_size("-1"), std::nullopt);
  EXPECT_EQ(chunk_size("123456789"), std::nullopt);
}

}  // namespace
}  // namespace metalwright::service
