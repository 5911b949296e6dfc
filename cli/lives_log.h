#pragma once

#include "pipeline/lives_worker.h"

namespace metalwright::cli {

/// The log of a program that takes the events of the servers' lives to their end: each event that
/// ended, and NetBox going away and coming back.
[[nodiscard]] pipeline::LivesWorker::Told lives_log();

}  // namespace metalwright::cli
