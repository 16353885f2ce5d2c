# Script: cmake -D OUTPUT=x.cc -D "FILES=a.sql b.sql" -P embed_migrations.cmake
# Writes EmbeddedMigrations() from numbered files: 0001_name.sql, 0002_…
separate_arguments(FILES)
set(rows "")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  string(REGEX MATCH "^0*([1-9][0-9]*)_" match "${name}")
  set(version "${CMAKE_MATCH_1}")
  file(SHA256 "${file}" checksum)
  file(READ "${file}" sql)
  string(APPEND rows "      {${version}, \"${name}\", R\"herald_sql(${sql})herald_sql\",\n")
  string(APPEND rows "       \"${checksum}\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"storage/postgres/migrations.h\"

namespace herald::storage {

const std::vector<Migration>& EmbeddedMigrations() {
  static const auto* const kMigrations = new std::vector<Migration>{
${rows}  };
  return *kMigrations;
}

}  // namespace herald::storage
")
