-- The first version since the template was created. A key whose template was deleted may be used
-- again and goes on counting, since emails have pinned the versions before: those still render, but
-- belong to the template no more.
ALTER TABLE herald.templates ADD COLUMN first_version integer NOT NULL DEFAULT 1;
