#include "storage/postgres/template_store.h"

#include "absl/strings/str_cat.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/template_queries.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

TransactionOptions For(TenantId tenant, const char* name, bool read_only = false) {
  return {.tenants = {tenant}, .read_only = read_only, .name = name};
}

absl::Status NoTemplate() { return absl::NotFoundError("template"); }
absl::Status NoVersion() { return absl::NotFoundError("version"); }

TemplateRow ReadTemplate(const pqxx::row& row) {
  TemplateRow result;
  result.key = TextOf(row[0]);
  result.display_name = TextOf(row[1]);
  result.published_version = IntOf(row[2]);
  result.first_version = IntOf(row[3]);
  result.latest_version = IntOf(row[4]);
  result.create_time = TimeOf(row[5]);
  result.update_time = TimeOf(row[6]);
  return result;
}

TemplateVersionRow ReadVersion(const pqxx::row& row) {
  TemplateVersionRow result;
  result.template_key = TextOf(row[0]);
  result.version = IntOf(row[1]);
  result.subject = TextOf(row[2]);
  result.html = TextOf(row[3]);
  result.text = TextOf(row[4]);
  result.variables = TextOf(row[5]);
  result.create_time = TimeOf(row[6]);
  return result;
}

TemplateVersionRow InsertVersion(Transaction& transaction, TenantId tenant, absl::string_view key,
                                 int number, const TemplateVersionRow& version) {
  return ReadVersion(transaction.Exec(kInsertVersion, tenant, key, number, version.subject,
                                      version.html, version.text, version.variables)[0]);
}

void Audit(Transaction& transaction, TenantId tenant, const AuditEntry& audit,
           absl::string_view target) {
  transaction.Exec(kInsertAudit, absl::optional<TenantId>(tenant), audit.actor, audit.action,
                   target);
}

}  // namespace

PostgresTemplateStore::PostgresTemplateStore(ConnectionPool& pool) : pool_(pool) {}

absl::StatusOr<TemplateRow> PostgresTemplateStore::CreateTemplate(TenantId tenant,
                                                                  const TemplateRow& row,
                                                                  const TemplateVersionRow& first,
                                                                  bool publish,
                                                                  const AuditEntry& audit) {
  return StoreResult(RunTransaction(
      pool_, For(tenant, "create_template"),
      [&](Transaction& transaction) -> absl::StatusOr<TemplateRow> {
        const pqxx::result result =
            transaction.Exec(kInsertTemplate, tenant, row.key, row.display_name, publish);
        if (result.empty()) return absl::AlreadyExistsError("template");
        TemplateRow created = ReadTemplate(result[0]);
        InsertVersion(transaction, tenant, row.key, created.latest_version, first);
        Audit(transaction, tenant, audit, row.key);
        return created;
      }));
}

absl::StatusOr<TemplateRow> PostgresTemplateStore::GetTemplate(TenantId tenant,
                                                               absl::string_view key) {
  return StoreResult(RunTransaction(pool_, For(tenant, "get_template", true),
                                    [&](Transaction& transaction) -> absl::StatusOr<TemplateRow> {
                                      const pqxx::result result =
                                          transaction.Exec(kGetTemplate, tenant, key);
                                      if (result.empty()) return NoTemplate();
                                      return ReadTemplate(result[0]);
                                    }));
}

absl::StatusOr<std::vector<TemplateRow>> PostgresTemplateStore::ListTemplates(
    TenantId tenant, int limit, absl::string_view after_key) {
  return StoreResult(RunTransaction(
      pool_, For(tenant, "list_templates", true),
      [&](Transaction& transaction) -> absl::StatusOr<std::vector<TemplateRow>> {
        std::vector<TemplateRow> rows;
        for (const auto& row : transaction.Exec(kListTemplates, tenant, after_key, limit)) {
          rows.push_back(ReadTemplate(row));
        }
        return rows;
      }));
}

absl::Status PostgresTemplateStore::DeleteTemplate(TenantId tenant, absl::string_view key,
                                                   const AuditEntry& audit) {
  return StoreError(RunTransaction(
      pool_, For(tenant, "delete_template"), [&](Transaction& transaction) -> absl::Status {
        const pqxx::result result = transaction.Exec(kDeleteTemplate, tenant, key);
        if (result.affected_rows() == 0) return NoTemplate();
        Audit(transaction, tenant, audit, key);
        return absl::OkStatus();
      }));
}

absl::StatusOr<TemplateVersionRow> PostgresTemplateStore::CreateVersion(
    TenantId tenant, const TemplateVersionRow& version, bool publish, const AuditEntry& audit) {
  const std::string& key = version.template_key;
  return StoreResult(RunTransaction(
      pool_, For(tenant, "create_template_version"),
      [&](Transaction& transaction) -> absl::StatusOr<TemplateVersionRow> {
        const pqxx::result result = transaction.Exec(kTakeVersion, tenant, key, publish);
        if (result.empty()) return NoTemplate();
        const int number = IntOf(result[0][0]);
        Audit(transaction, tenant, audit, absl::StrCat(key, "/", number));
        return InsertVersion(transaction, tenant, key, number, version);
      }));
}

absl::StatusOr<TemplateVersionRow> PostgresTemplateStore::GetVersion(TenantId tenant,
                                                                     absl::string_view key,
                                                                     int version) {
  return StoreResult(RunTransaction(
      pool_, For(tenant, "get_template_version", true),
      [&](Transaction& transaction) -> absl::StatusOr<TemplateVersionRow> {
        const pqxx::result result = transaction.Exec(kGetVersion, tenant, key, version);
        if (!result.empty()) return ReadVersion(result[0]);
        const bool known = !transaction.Exec(kTemplateExists, tenant, key).empty();
        return known ? NoVersion() : NoTemplate();
      }));
}

absl::StatusOr<std::vector<TemplateVersionRow>> PostgresTemplateStore::ListVersions(
    TenantId tenant, absl::string_view key, int limit, int before_version) {
  return StoreResult(RunTransaction(
      pool_, For(tenant, "list_template_versions", true),
      [&](Transaction& transaction) -> absl::StatusOr<std::vector<TemplateVersionRow>> {
        if (transaction.Exec(kGetTemplate, tenant, key).empty()) return NoTemplate();
        std::vector<TemplateVersionRow> rows;
        for (const auto& row :
             transaction.Exec(kListVersions, tenant, key, before_version, limit)) {
          rows.push_back(ReadVersion(row));
        }
        return rows;
      }));
}

absl::StatusOr<TemplateRow> PostgresTemplateStore::Publish(TenantId tenant, absl::string_view key,
                                                           int version, const AuditEntry& audit) {
  return StoreResult(
      RunTransaction(pool_, For(tenant, "publish_template_version"),
                     [&](Transaction& transaction) -> absl::StatusOr<TemplateRow> {
                       const pqxx::result result = transaction.Exec(kPublish, tenant, key, version);
                       if (result.empty()) {
                         const bool known = !transaction.Exec(kGetTemplate, tenant, key).empty();
                         return known ? NoVersion() : NoTemplate();
                       }
                       Audit(transaction, tenant, audit, absl::StrCat(key, "/", version));
                       return ReadTemplate(result[0]);
                     }));
}

}  // namespace herald::storage
