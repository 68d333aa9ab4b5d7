#include "nt/reg_audit.h"

#include <algorithm>
#include <array>

#include "cm/key.h"

namespace regent::nt {

// What another thread writes between this look and the change is not seen.
void ValueAudit::look() {
    active_ = ob::audits(ob::AuditCategory::registry, true);
    if (!active_) return;
    constexpr std::size_t header = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
    alignas(8) std::array<std::byte, header + ob::AuditedValue::kept> buffer;
    const auto found = cm::query_value(key_, name_, KeyValuePartialInformation, buffer);
    if (!NT_SUCCESS(found.status()) && found.status() != STATUS_BUFFER_OVERFLOW) return;
    const auto& info = *reinterpret_cast<const KEY_VALUE_PARTIAL_INFORMATION*>(buffer.data());
    ob::AuditedValue value{info.Type, info.DataLength, {}};
    const Bytes data = Bytes(buffer).subspan(header, std::min<std::size_t>(info.DataLength, ob::AuditedValue::kept));
    value.data.assign(data.begin(), data.end());
    before_ = std::move(value);
}

void ValueAudit::record(const Written* after) {
    std::optional<ob::AuditedValue> now;
    if (after != nullptr) {
        const Bytes data = after->data.first(std::min(after->data.size(), ob::AuditedValue::kept));
        now = ob::AuditedValue{after->type, static_cast<std::uint32_t>(after->data.size()), {data.begin(), data.end()}};
    }
    ob::record_value(handle_, &key_, name_, std::move(before_), std::move(now));
}

}  // namespace regent::nt
