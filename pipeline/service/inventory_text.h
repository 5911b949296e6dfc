#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "inventory/repository_files.h"

namespace metalwright::service {

/// The inventory as it was written, as JSON: for the clients of the provisioning listener, who are
/// handed what stands in the file and not what we make of it (`2001:DB8:0001::1/64` stays that).
/// Made when it is first asked for. Any thread may ask.
class InventoryText {
 public:
  explicit InventoryText(inventory::RepositoryFiles files) : files_(std::move(files)) {}

  /// All of it, one JSON object: `servers` with what every file has of them, and what else stands
  /// in `inventory.yaml`.
  [[nodiscard]] const std::string& all() const;
  [[nodiscard]] const inventory::RepositoryFiles& files() const { return files_; }
  /// One server's entry as a JSON object; `{}` where there is none.
  [[nodiscard]] std::string server(std::string_view name) const;

 private:
  void make() const;
  inventory::RepositoryFiles files_;
  mutable std::once_flag made_;
  mutable std::string all_;
  mutable std::map<std::string, std::string, std::less<>> servers_;
};

}  // namespace metalwright::service
