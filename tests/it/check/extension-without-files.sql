-- finds: gone
CREATE EXTENSION citext;
UPDATE pg_extension SET extname = 'gone' WHERE extname = 'citext';
-- good
