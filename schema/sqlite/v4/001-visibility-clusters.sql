-- Attributes of runs of domains with several regions: how many, and the cluster attribute that chose the active one.

ALTER TABLE visibility ADD COLUMN num_clusters INTEGER;
ALTER TABLE visibility ADD COLUMN cluster_scope TEXT;
ALTER TABLE visibility ADD COLUMN cluster_name TEXT;
