#include "reconciler/targets/routeros/desired_cache.h"

#include <utility>

#include "reconciler/targets/routeros/router_view.h"
#include "renderers/routeros/menu.h"

namespace metalwright::reconciler {

const ObjectFields* DesiredCache::get(std::string_view kind, std::string_view name) {
  const ResourceRow* row = request_.desired.find(kind, name);
  return row == nullptr ? nullptr : get(*row);
}

const ObjectFields* DesiredCache::get(const ResourceRow& row) {
  if (!request_.objects.desired) return nullptr;
  const std::size_t at = index_of(row);
  std::optional<ObjectFields>& kept = fields_[at];
  if (kept) return &*kept;
  Content rendered;
  const bool known = !texts_.empty() && !texts_[at].empty();
  if (!known) {
    Result<Content> content = request_.objects.desired(row.kind, row.name);
    if (!content) {
      failure_ = content.error();
      return nullptr;
    }
    rendered = std::move(*content);
  }
  Result<ObjectFields> fields = decode_fields(known ? texts_[at].view() : rendered.bytes);
  if (!fields) {
    failure_ = fields.error();
    return nullptr;
  }
  kept = std::move(*fields);
  return &*kept;
}

const ObjectFields* DesiredCache::stated(std::string_view kind, std::string_view name) {
  if (const ResourceRow* row = request_.desired.find(kind, name)) return get(*row);
  if (!names_interfaces(*routeros::find_menu_of_kind(kind))) return nullptr;
  const ResourceRow* row = request_.last_applied.find(kind, name);
  if (row == nullptr || !request_.objects.applied) return nullptr;
  const auto [kept, is_new] = applied_.try_emplace({std::string(kind), std::string(name)});
  if (is_new) {
    Result<ObjectFields> fields = request_.objects.applied(row->kind, row->name);
    if (!fields) {
      failure_ = fields.error();
      return nullptr;
    }
    std::erase_if(*fields, [](const ObjectField& field) {
      return routeros::prefix_of_interface(field.value).empty();
    });
    kept->second = std::move(*fields);
  }
  return &kept->second;
}

void DesiredCache::read_all() {
  if (!request_.objects.all_desired) return;
  texts_.resize(fields_.size());
  const Result<void> read = request_.objects.all_desired(
      [&](std::string_view kind, std::string_view name, std::string_view content) {
        const ResourceRow* row = request_.desired.find(kind, name);
        if (row != nullptr) texts_[index_of(*row)] = arena_.copy(content);
      });
  if (!read) failure_ = read.error();
}

ObjectReaders DesiredCache::readers() const {
  ObjectReaders readers = request_.objects;
  if (texts_.empty()) return readers;
  readers.all_desired = [this](const ContentSink& sink) -> Result<void> {
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const ResourceRow& row = request_.desired.rows[i];
      sink(row.kind, row.name, texts_[i]);
    }
    return {};
  };
  return readers;
}

}  // namespace metalwright::reconciler
