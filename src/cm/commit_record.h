// Commits over several hives as a file keeps them: which hive's file gets which changes.
#pragma once

#include <string>
#include <vector>

#include "cm/key_image.h"
#include "rtl/env.h"

namespace regent::cm {

// What a record says of one hive, by its file.
struct RecordedPart {
    std::string file;
    std::vector<KeyChange> changes;
};

// Adds one hive's part to a payload, without the changes that no file has.
void put_part(std::vector<std::byte>& out, const std::string& file, std::span<const KeyChange> changes);

// What the file says is to be finished; nothing when it is cleared, was never whole or is not there. ERRORS: those of
// Env, REGISTRY_CORRUPT.
Result<std::vector<RecordedPart>> read_record(rtl::File& file);
Result<std::vector<RecordedPart>> read_record(rtl::Env& env, const std::string& path);
// Durable when they return. ERRORS: those of Env, INSUFFICIENT_RESOURCES (a payload of more than 2 GiB).
Result<void> write_record(rtl::File& file, Bytes payload);
Result<void> clear_record(rtl::File& file);
// The whole file, which is there with its old parts or with these at any moment; no parts, no file. It is for the same
// users as the file `model`.
Result<void> replace_record(rtl::Env& env, const std::string& path, const std::string& model,
                            std::span<const RecordedPart> parts);

bool is_missing(NTSTATUS status);
// However the two are spelled, where the host's file system knows them.
bool same_file(const std::string& a, const std::string& b);

}  // namespace regent::cm
