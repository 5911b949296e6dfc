#pragma once

#include <filesystem>
#include <string>

#include "schemas/error.h"

/// GRUB as one file for a UEFI machine that boots from the network, put together by
/// `grub-mkimage` out of Debian's modules and a configuration of ours.
namespace metalwright::reconciler {

struct GrubImage {
  std::string platform;           ///< `x86_64-efi` or `arm64-efi`
  std::filesystem::path modules;  ///< the folder of that platform's modules
  std::filesystem::path mkimage;  ///< the program `grub-mkimage`
  std::filesystem::path cache;    ///< where the image is kept
};

/// The configuration inside the image: finds and starts the one beside it (boot_loaders.h).
[[nodiscard]] std::string_view grub_image_configuration();

/// The image's file in the cache: made where it is missing or was made of other inputs (modules,
/// program, configuration). Its name says what it is made of, so that it never has to be compared.
/// Errors: as find_boot_loaders.
[[nodiscard]] Result<std::filesystem::path> make_grub_image(const GrubImage& image);

/// A tar archive (POSIX ustar) of one file, the same bytes for the same content.
/// `name` must be shorter than 100 bytes.
[[nodiscard]] std::string tar_of(std::string_view name, std::string_view content);

}  // namespace metalwright::reconciler
