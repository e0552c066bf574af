-- The last job of a name is asked for with every image that is looked at, and news is told in its order.
CREATE INDEX jobs_of_name ON jobs (kind, name, id);
CREATE INDEX pending_of_sink ON pending (sink, id);
