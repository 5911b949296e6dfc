#include "pipeline/moves.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace metalwright::pipeline {
namespace {

/// `name` with the part `to` between slashes replaced by `from`; empty where it has no such part.
std::string with_old_part(std::string_view name, std::string_view to, std::string_view from) {
  std::string out;
  bool found = false;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    found = found || part == to;
    out += part == to ? from : part;
    if (slash == std::string_view::npos) break;
    out += '/';
    name.remove_prefix(slash + 1);
  }
  return found ? out : std::string{};
}

/// What tells that two entries are one machine.
std::vector<std::string> identities(const Server& server) {
  std::vector<std::string> keys;
  if (!server.serial.empty()) keys.push_back("serial " + std::string(server.serial.view()));
  for (const Interface& nic : server.interfaces) {
    if (nic.mac) keys.push_back("mac " + nic.mac->text());
  }
  return keys;
}

}  // namespace

std::vector<ServerMove> server_moves(const Model& now, const Model* before) {
  std::vector<ServerMove> moves;
  std::set<std::string, std::less<>> from_names, to_names;
  for (const Move& move : now.moved) {
    if (now.find_server(move.to) == nullptr || now.find_server(move.from) != nullptr) continue;
    if (!from_names.insert(move.from).second || !to_names.insert(move.to).second) continue;
    moves.push_back({move.from, move.to});
  }
  if (before == nullptr) return moves;
  std::map<std::string, std::string_view> gone;  // identity -> name
  for (const ServerEntry& entry : before->servers) {
    const std::string_view name = entry.server->name;
    if (now.find_server(name) != nullptr || from_names.contains(name)) continue;
    for (std::string& key : identities(*entry.server)) gone.emplace(std::move(key), name);
  }
  if (gone.empty()) return moves;
  for (const ServerEntry& entry : now.servers) {
    const std::string_view name = entry.server->name;
    if (before->find_server(name) != nullptr || to_names.contains(name)) continue;
    for (const std::string& key : identities(*entry.server)) {
      const auto at = gone.find(key);
      if (at == gone.end() || !from_names.insert(std::string(at->second)).second) continue;
      to_names.emplace(name);
      moves.push_back({std::string(at->second), std::string(name)});
      break;
    }
  }
  return moves;
}

std::vector<reconciler::ResourceMove> resource_moves(
    const std::vector<ServerMove>& moves, const DesiredState& state, const TargetState& target,
    const reconciler::ResourceTable& last_applied) {
  std::vector<reconciler::ResourceMove> out;
  if (moves.empty()) return out;
  std::map<std::string_view, std::string_view> old_names;
  for (const ServerMove& move : moves) old_names[move.to] = move.from;
  for (std::size_t i = 0; i < target.table.rows.size(); ++i) {
    const auto move = old_names.find(state.server_of(target, i));
    if (move == old_names.end()) continue;
    const reconciler::ResourceRow& row = target.table.rows[i];
    const std::string old_name = with_old_part(row.name, move->first, move->second);
    if (old_name.empty() || last_applied.find(row.kind, old_name) == nullptr ||
        target.table.find(row.kind, old_name) != nullptr ||
        last_applied.find(row.kind, row.name) != nullptr) {
      continue;
    }
    out.push_back({std::string(row.kind.view()), old_name, std::string(row.name.view())});
  }
  return out;
}

}  // namespace metalwright::pipeline
