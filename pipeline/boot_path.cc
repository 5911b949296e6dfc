#include "pipeline/boot_path.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace metalwright::pipeline {
namespace {

using renderers::Format;

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

/// `a/b/../c` and `/a/./c` as `a/c`; empty where it leads out of the tree.
std::optional<std::string> normal_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return std::nullopt;
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

/// Words as a shell splits them: blanks, '…' and "…" with backslashes; enough for what GRUB reads.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (blank(c) || c == ';' || c == '{' || c == '}') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (c == '#' && !in_word) {
      break;
    } else if (c == '\'') {
      const std::size_t end = std::min(line.find('\'', i + 1), line.size());
      word += line.substr(i + 1, end - i - 1);
      in_word = true;
      i = end;
    } else if (c == '"') {
      in_word = true;
      for (++i; i < line.size() && line[i] != '"'; ++i) {
        if (line[i] == '\\' && i + 1 < line.size()) ++i;
        word += line[i];
      }
    } else {
      if (c == '\\' && i + 1 < line.size()) ++i;
      word += line[i];
      in_word = true;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::vector<std::string_view> blank_words(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < line.size()) {
    while (at < line.size() && blank(line[at])) ++at;
    const std::size_t begin = at;
    while (at < line.size() && !blank(line[at])) ++at;
    if (at > begin) words.push_back(line.substr(begin, at - begin));
  }
  return words;
}

class Reader {
 public:
  Reader(std::string_view path, std::string_view service_url)
      : folder_(path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/'))),
        service_url_(service_url) {}

  std::vector<BootReference> read(Format format, std::string_view content) {
    while (!content.empty()) {
      const std::size_t end = std::min(content.find('\n'), content.size());
      ++line_;
      const std::string_view line = content.substr(0, end);
      if (format == Format::pxelinux) pxelinux(line);
      if (format == Format::grub) grub(line);
      if (format == Format::ipxe) ipxe(line);
      content.remove_prefix(std::min(end + 1, content.size()));
    }
    return std::move(out_);
  }
  [[nodiscard]] const std::string& default_item() const { return default_; }

 private:
  void add(std::string_view step, std::string_view path) {
    if (std::optional<std::string> normal = normal_path(path)) {
      out_.push_back({step, std::move(*normal), line_, item_});
    } else {
      out_.push_back(
          {step, std::string(path), line_, item_});  // leads out of the tree: is in no table
    }
  }

  void add_list(std::string_view step, std::string_view paths) {
    while (!paths.empty()) {
      const std::size_t comma = std::min(paths.find(','), paths.size());
      if (comma > 0) add(step, paths.substr(0, comma));
      paths.remove_prefix(std::min(comma + 1, paths.size()));
    }
  }

  // Paths count from the folder of pxelinux.0, which is the root of our tree.
  void pxelinux(std::string_view line) {
    const auto words = blank_words(line);
    if (words.size() < 2 || words[0].starts_with('#')) return;
    if (same_word(words[0], "label")) item_ = words[1];
    if (same_word(words[0], "default")) default_ = words[1];
    if (same_word(words[0], "kernel") || same_word(words[0], "linux")) add("kernel", words[1]);
    if (same_word(words[0], "com32") || same_word(words[0], "ui")) add("loader", words[1]);
    if (same_word(words[0], "config")) add("configuration", words[1]);
    if (same_word(words[0], "initrd")) add_list("initrd", words[1]);
    if (!same_word(words[0], "append")) return;
    for (const std::string_view word : words) {
      if (word.starts_with("initrd=")) add_list("initrd", word.substr(7));
    }
  }

  void grub(std::string_view line) {
    const auto words = shell_words(line);
    if (!words.empty() && words[0] == "menuentry") {
      const auto id = std::find(words.begin(), words.end(), "--id");
      item_ = id == words.end() || id + 1 == words.end() ? std::string() : *(id + 1);
    }
    if (words.size() > 1 && words[0] == "set" && words[1].starts_with("default=")) {
      default_ = words[1].substr(words[1].find('=') + 1);
    }
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      const std::string& command = words[i];
      if (command == "linux" || command == "linuxefi") return grub_path("kernel", words[i + 1]);
      if (command == "configfile") return grub_path("configuration", words[i + 1]);
      if (command == "initrd" || command == "initrdefi") {
        for (std::size_t j = i + 1; j < words.size(); ++j) grub_path("initrd", words[j]);
        return;
      }
    }
  }

  void grub_path(std::string_view step, std::string_view path) {
    // Where the tree begins on the server that the loader came from.
    constexpr std::string_view kBootFolder = "$boot_folder/";
    if (path.starts_with(kBootFolder)) path.remove_prefix(kBootFolder.size() - 1);
    if (path.find('$') != std::string_view::npos) return;
    if (path.starts_with("(tftp")) path.remove_prefix(std::min(path.find(')') + 1, path.size()));
    if (path.starts_with('(')) return;  // a disk, or another server
    add(step, path);
  }

  void ipxe(std::string_view line) {
    const auto words = blank_words(line);
    if (!words.empty() && words[0].starts_with(':')) item_ = words[0].substr(1);
    if (words.size() > 2 && words[0] == "choose" && words[1] == "--default") default_ = words[2];
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::string_view step;
      if (words[i] == "kernel") step = "kernel";
      if (words[i] == "initrd" || words[i] == "imgfetch") step = "initrd";
      if (words[i] == "chain") step = "configuration";
      if (words[i].starts_with('#')) return;
      if (words[i] == "echo" || words[i] == "item" || words[i] == "set") return;
      if (step.empty()) continue;
      while (++i < words.size() && words[i].starts_with("--")) {
        if (words[i] == "--name" || words[i] == "-n" || words[i] == "--timeout") ++i;
      }
      if (i < words.size()) ipxe_uri(step, words[i]);
      return;
    }
  }

  void ipxe_uri(std::string_view step, std::string_view uri) {
    if (uri.find("${") != std::string_view::npos) return;
    if (!service_url_.empty() && uri.find("://") != std::string_view::npos) {
      // A network's boot server has the tree too, at another host.
      const std::size_t assets = uri.find("/boot/assets/");
      if (assets != std::string_view::npos) add(step, uri.substr(assets + sizeof("/boot/") - 1));
      return;
    }
    if (uri.find("://") != std::string_view::npos) return;
    if (uri.starts_with('/')) return add(step, uri);
    add(step, std::string(folder_) + '/' + std::string(uri));
  }

  std::string_view folder_, service_url_;
  std::uint32_t line_ = 0;
  std::string item_, default_;
  std::vector<BootReference> out_;
};

}  // namespace

std::vector<BootReference> boot_references(Format format, std::string_view path,
                                           std::string_view content, std::string_view service_url) {
  return Reader(path, service_url).read(format, content);
}

std::string menu_default(Format format, std::string_view content) {
  Reader reader("", "");
  (void)reader.read(format, content);
  return reader.default_item();
}

}  // namespace metalwright::pipeline
