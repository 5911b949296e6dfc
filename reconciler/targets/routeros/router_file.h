#pragma once

#include "reconciler/targets/routeros/rest_client.h"
#include "reconciler/targets/routeros/steps.h"
#include "schemas/error.h"

/// Boot loaders on a router. REST takes texts of up to 60 kB as files, and loaders are neither
/// texts nor that small, so the router is asked to fetch them by itself. RouterOS tells a file's
/// size and no digest: the digest stands in the name.
namespace metalwright::reconciler {

/// Lets the router fetch the file of a step, and looks whether it has it then.
/// Errors: `invalid` [routeros-fetch] where it does not (counts as refused), those of the client
/// where contact is lost.
[[nodiscard]] Result<void> fetch_file(RestClient& rest, Step& step);

/// Whether the file is as large as the step says.
[[nodiscard]] bool is_whole(const Step& step, const RestRow& file);

}  // namespace metalwright::reconciler
